// The kernels `bce`, `crossEntropy` and `kl`: losses over candidate scores (B x K) with their gradients. A positive is in column 0. Rows of scores
// and gradient are `stride` values apart, so both can be blocks of wider matrices.
#pragma once
#include "check.h"
#include "elementary.h"

namespace mulde {
namespace MULDE_ISA {

// Fills vectors after the last score: its exponential vanishes next to any other.
constexpr float kLowest = -3.0e38f;

// A row's maximum of f x, and its sum of exp(f x - maximum).
struct SoftmaxSums {
  double top, sum;
  double lse() const { return top + dlog(sum); }
};

inline SoftmaxSums softmax_sums(const float* row, int n, float f) {
  vf m = set1(kLowest);
  const float fill = f < 0 ? -kLowest : kLowest;
  for (int k = 0; k < n; k += W) m = vmax(m, mul(set1(f), load_part(row + k, n - k, fill)));
  const float top = lanes_max(m);
  vf sum = zero();
  for (int k = 0; k < n; k += W) sum = add(sum, first_lanes(vexp(sub(mul(set1(f), load_part(row + k, n - k, 0)), set1(top))), n - k));
  return {top, lanes_sum(sum)};
}

// Adds up chunks' sums in order.
inline void add_pieces(double* out, const double* pieces, int n) {
  for (int i = 0; i < n; i++) out[0] += pieces[i];
}

// Checks the first arguments of the losses: batch, K and stride.
struct ScoreShape {
  int64_t batch, K, stride;
};
inline ScoreShape check_scores(Checker& c) {
  const int64_t batch = c.whole(0), K = c.whole(1, 1);
  return {batch, K, c.whole(2, K)};
}

// bce(batch, K, stride, scores, positive weight, negative weight, adversarial temperature, gradient (B x K), loss (1, float64))
// L = sum over b of  wp softplus(-s_0) + wn sum over k > 0 of a_k softplus(s_k). a_k is 1, or with a temperature alpha > 0 the self-adversarial
// weight softmax(alpha s)_k over the negatives (Sun et al. 2019), which counts as constant.
inline void check_bce(Checker& c) {
  const ScoreShape x = check_scores(c);
  c.rows(3, x.batch, x.K, x.stride);
  c.rows(7, x.batch, x.K, x.stride);
  c.holds(8, 1);
}
inline void bce(Args a) {
  const int batch = a.count(0), K = a.count(1), stride = a.count(2);
  const float *scores = a.f32(3), wp = (float)a.num(4), wn = (float)a.num(5), alpha = (float)a.num(6);
  float* gradient = a.f32(7);
  double losses[kMaxChunks];
  const int chunks = parallel(batch, 16, [&](int begin, int end, int chunk) {
    double total = 0;
    for (int b = begin; b < end; b++) {
      const float* s = scores + (size_t)b * stride;
      float* g = gradient + (size_t)b * stride;
      vf loss, sigma;
      softplus_sigmoid(set1(-s[0]), &loss, &sigma);
      float lane[W];
      store(lane, loss);
      total += (double)wp * lane[0];
      store(lane, sigma);
      g[0] = -wp * lane[0];
      SoftmaxSums weights = {0, 1};
      if (alpha > 0) weights = softmax_sums(s + 1, K - 1, alpha);
      vf sum = zero();
      for (int k = 1; k < K; k += W) {
        const int n = K - k;
        const vf x = load_part(s + k, n, 0);
        vf w = set1(wn);
        if (alpha > 0) w = mul(vexp(sub(mul(set1(alpha), x), set1((float)weights.top))), set1((float)(wn / weights.sum)));
        w = first_lanes(w, n);
        softplus_sigmoid(x, &loss, &sigma);
        sum = fma(w, loss, sum);
        store_part(g + k, n, mul(w, sigma));
      }
      total += lanes_sum(sum);
    }
    losses[chunk] = total;
  });
  add_pieces(a.f64(8), losses, chunks);
}

// crossEntropy(batch, K, stride, scores, weight, gradient (B x K), loss (1, float64)): weight * sum over b of -log softmax(s)_0
inline void check_cross_entropy(Checker& c) {
  const ScoreShape x = check_scores(c);
  c.rows(3, x.batch, x.K, x.stride);
  c.rows(5, x.batch, x.K, x.stride);
  c.holds(6, 1);
}
inline void cross_entropy(Args a) {
  const int batch = a.count(0), K = a.count(1), stride = a.count(2);
  const float *scores = a.f32(3), weight = (float)a.num(4);
  float* gradient = a.f32(5);
  double losses[kMaxChunks];
  const int chunks = parallel(batch, 16, [&](int begin, int end, int chunk) {
    double total = 0;
    for (int b = begin; b < end; b++) {
      const float* s = scores + (size_t)b * stride;
      float* g = gradient + (size_t)b * stride;
      const SoftmaxSums z = softmax_sums(s, K, 1);
      total += weight * (z.lse() - s[0]);
      const vf top = set1((float)z.top), f = set1((float)(weight / z.sum));
      for (int k = 0; k < K; k += W) store_part(g + k, K - k, mul(f, vexp(sub(load_part(s + k, K - k, kLowest), top))));
      g[0] -= weight;
    }
    losses[chunk] = total;
  });
  add_pieces(a.f64(6), losses, chunks);
}

// The Kullback-Leibler divergence of one row, sum z (ln z - ln y) with z = softmax(target / T) and y = softmax(s / T).
struct SoftRow {
  const float *target, *scores;
  int K;
  float inv;
  SoftmaxSums z, y;
  double divergence;

  SoftRow(const float* target, const float* scores, int K, double temperature)
      : target(target), scores(scores), K(K), inv((float)(1 / temperature)), z(softmax_sums(target, K, inv)), y(softmax_sums(scores, K, inv)) {
    vf sum = zero();
    for (int k = 0; k < K; k += W) sum = fma(z_at(k), mul(sub(at(target, k), at(scores, k)), set1(inv)), sum);
    divergence = lanes_sum(sum) - z.lse() + y.lse();
  }
  vf at(const float* row, int k) const { return load_part(row + k, K - k, 0); }
  vf probability(const float* row, int k, const SoftmaxSums& s) const {
    return first_lanes(mul(vexp(sub(mul(at(row, k), set1(inv)), set1((float)s.top))), set1((float)(1 / s.sum))), K - k);
  }
  vf z_at(int k) const { return probability(target, k, z); }
  vf y_at(int k) const { return probability(scores, k, y); }
};

// kl(batch, K, target logits, scores, temperature, weight, gradient by scores (B x K), loss (1, float64)):
// weight T^2 sum over b of KL(softmax(target / T) || softmax(s / T))
inline void check_kl(Checker& c) {
  const int64_t all = times(c.whole(0), c.whole(1, 1));
  c.all_hold(2, 3, all);
  c.holds(6, all);
  c.holds(7, 1);
}
inline void kl(Args a) {
  const int batch = a.count(0), K = a.count(1);
  const float *targets = a.f32(2), *scores = a.f32(3);
  const double T = a.num(4), weight = a.num(5);
  float* gradient = a.f32(6);
  double losses[kMaxChunks];
  const int chunks = parallel(batch, 16, [&](int begin, int end, int chunk) {
    double total = 0;
    for (int b = begin; b < end; b++) {
      const SoftRow row(targets + (size_t)b * K, scores + (size_t)b * K, K, T);
      total += weight * T * T * row.divergence;
      const vf f = set1((float)(weight * T));
      for (int k = 0; k < K; k += W) store_part(gradient + (size_t)b * K + k, K - k, mul(f, sub(row.y_at(k), row.z_at(k))));
    }
    losses[chunk] = total;
  });
  add_pieces(a.f64(7), losses, chunks);
}

}  // namespace MULDE_ISA
}  // namespace mulde
