// The kernel `seniorStep` (Wang et al. 2021): soft labels from teachers' scores, the Junior's soft-label loss and the Senior's own loss.
#pragma once
#include "losses.h"

namespace mulde {
namespace MULDE_ISA {

constexpr int kMaxTeachers = 64;
// The most that the squares of a query's teacher scores may add up to. In float32, scores of 1e12 leave nothing of others that they are averaged
// with, and the gradient by a scale, which is a product of two scores, still has a finite square.
constexpr double kLargestSquares = 1e24;

// seniorStep(batch, K, stride, teachers, teacher scores (m x B x K), junior scores (B x stride), scales (B x m), tau or 0 for uniform
//            weights, targets (B; -1 if not among the candidates), T, soft weight, train on soft (0 or 1), soft logits (B x K), weights (B x m),
//            gradient by junior scores (B x stride), gradient by scales (B x m), losses (2, float64: soft, senior))
// Only the first K values in a row of the Junior's scores and their gradient are used. The soft loss is NaN if a teacher's score is not finite,
// or the squares of a query's scores exceed kLargestSquares.
inline void check_senior_step(Checker& c) {
  const ScoreShape x = check_scores(c);
  const int64_t m = c.whole(3, 1, kMaxTeachers);
  c.holds(4, times(m, x.batch, x.K));
  c.rows(5, x.batch, x.K, x.stride);
  c.holds(6, times(x.batch, m));
  c.ids(8, x.batch, x.K, -1);
  c.holds(12, times(x.batch, x.K));
  c.holds(13, times(x.batch, m));
  c.rows(14, x.batch, x.K, x.stride);
  c.holds(15, times(x.batch, m));
  c.holds(16, 2);
}
inline void senior_step(Args a) {
  const int batch = a.count(0), K = a.count(1), stride = a.count(2), m = a.count(3);
  const float *teachers = a.f32(4), *junior = a.f32(5), *scales = a.f32(6);
  const double tau = a.num(7), T = a.num(9), soft_weight = a.num(10);
  const int32_t* targets = a.i32(8);
  const bool train_on_soft = a.flag(11);
  float *logits = a.f32(12), *weights = a.f32(13), *by_junior = a.f32(14), *by_scales = a.f32(15);
  double soft_losses[kMaxChunks], senior_losses[kMaxChunks];
  const int chunks = parallel(batch, 8, [&](int begin, int end, int chunk) {
    double soft_total = 0, senior_total = 0;
    for (int b = begin; b < end; b++) {
      const float *s = junior + (size_t)b * stride, *scale = scales + (size_t)b * m;
      float *mix = logits + (size_t)b * K, *w = weights + (size_t)b * m;
      const float* t[kMaxTeachers];
      for (int i = 0; i < m; i++) t[i] = teachers + ((size_t)i * batch + b) * K;

      // Contrast attention: D_i = KL(softmax(s) || softmax(scale_i t_i)), w = softmax(-D / tau).
      double d[kMaxTeachers], nearest = 1e300, sum = 0;
      if (tau > 0) {
        const SoftmaxSums p = softmax_sums(s, K, 1);
        const vf top = set1((float)p.top), inv = set1((float)(1 / p.sum));
        vf gap[kMaxTeachers];
        for (int i = 0; i < m; i++) gap[i] = zero();
        for (int k = 0; k < K; k += W) {
          const vf x = load_part(s + k, K - k, 0);
          vf q = mul(vexp(sub(load_part(s + k, K - k, kLowest), top)), inv);
          for (int i = 0; i < m; i++) gap[i] = fma(q, fnma(set1(scale[i]), load_part(t[i] + k, K - k, 0), x), gap[i]);
        }
        for (int i = 0; i < m; i++) {
          d[i] = lanes_sum(gap[i]) - p.lse() + softmax_sums(t[i], K, scale[i]).lse();
          nearest = d[i] < nearest ? d[i] : nearest;
        }
        for (int i = 0; i < m; i++) sum += d[i] = dexp(-(d[i] - nearest) / tau);
      }
      for (int i = 0; i < m; i++) w[i] = tau > 0 ? (float)(d[i] / sum) : 1.0f / m;
      for (int k = 0; k < K; k += W) {
        vf x = zero();
        for (int i = 0; i < m; i++) x = fma(set1(w[i] * scale[i]), load_part(t[i] + k, K - k, 0), x);
        store_part(mix + k, K - k, x);
      }

      const SoftRow row(mix, s, K, T);
      soft_total += T * T / batch * row.divergence;
      const vf by_s = set1((float)(soft_weight * T / batch)), by_mix = set1(train_on_soft ? (float)(soft_weight * T / batch) : 0);
      const vf mean = set1((float)row.divergence), offset = set1((float)(row.y.lse() - row.z.lse())), inv = set1(row.inv);
      const vf each = set1((float)(1.0 / ((double)batch * K)));
      vf loss = zero(), squares = zero(), grad[kMaxTeachers];
      for (int i = 0; i < m; i++) grad[i] = zero();
      for (int k = 0; k < K; k += W) {
        const vf x = load_part(mix + k, K - k, 0), z = row.z_at(k), y = row.y_at(k);
        store_part(by_junior + (size_t)b * stride + k, K - k, mul(by_s, sub(y, z)));
        vf plus, sigma;
        softplus_sigmoid(x, &plus, &sigma);
        const int hit = targets[b] - k;
        if ((hit >= 0 && hit < W) || K - k < W) {
          float l[W], g[W], v[W];
          store(l, plus);
          store(g, sigma);
          store(v, x);
          if (hit >= 0 && hit < W) {
            l[hit] -= v[hit];
            g[hit] -= 1;
          }
          for (int i = K - k < 0 ? 0 : K - k; i < W; i++) l[i] = g[i] = 0;
          plus = load(l);
          sigma = load(g);
        }
        loss = add(loss, plus);
        // d/dM_k of sum z (ln z - ln y) is z_k ((ln z_k - ln y_k) - divergence) / T.
        const vf log_ratio = fma(sub(x, load_part(s + k, K - k, 0)), inv, offset);
        const vf g = fma(mul(by_mix, z), sub(log_ratio, mean), mul(each, sigma));
        for (int i = 0; i < m; i++) {
          const vf score = load_part(t[i] + k, K - k, 0);
          grad[i] = fma(g, score, grad[i]);
          squares = fma(score, score, squares);
        }
      }
      if (!(lanes_sum(squares) <= kLargestSquares)) soft_total = __builtin_nan("");
      senior_total += lanes_sum(loss) / ((double)batch * K);
      for (int i = 0; i < m; i++) by_scales[(size_t)b * m + i] = (float)(w[i] * lanes_sum(grad[i]));
    }
    soft_losses[chunk] = soft_total;
    senior_losses[chunk] = senior_total;
  });
  add_pieces(a.f64(16), soft_losses, chunks);
  add_pieces(a.f64(16) + 1, senior_losses, chunks);
}

}  // namespace MULDE_ISA
}  // namespace mulde
