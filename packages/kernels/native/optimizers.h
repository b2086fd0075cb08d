// The kernels `adam` and `adagrad`, and others that change rows of tables. A gradient is dense (rows = null: n x dim) or given for some rows,
// ascending; the gradient of the others is zero. A dense update still moves those by their momentum; a sparse one does not.
//
// In the same pass they collect v - v, v being the squared gradients that they keep: that is 0, unless a gradient is NaN or infinite, or so large
// that its square is. The bits are collected by `or`, since a chain of additions would take longer than the update.
#pragma once
#include "losses.h"

namespace mulde {
namespace MULDE_ISA {

// Parameters, and the one or two arrays of an optimizer's state with the same layout.
struct Trained {
  float *parameters, *first, *second;
  void prefetch(int d) const {
    prefetch_row(parameters, d);
    prefetch_row(first, d);
    if (second) prefetch_row(second, d);
  }
  Trained at(size_t i) const { return {parameters + i, first + i, second ? second + i : nullptr}; }
};

// Updates rows that are narrower than a vector, many of them copied together.
template <class Rule>
vf update_narrow(const Rule& rule, const Trained& t, int d, const int32_t* rows, int count, const float* gradient) {
  vf odd = zero();
  constexpr int kTogether = 256;
  float buffer[3][kTogether];
  const Trained run = {buffer[0], buffer[1], t.second ? buffer[2] : nullptr};
  float* const own[3] = {t.parameters, t.first, t.second};
  for (int i = 0; i < count; i += kTogether / d) {
    const int n = count - i < kTogether / d ? count - i : kTogether / d;
    for (int a = 0; a < 3 && own[a]; a++)
      for (int r = 0; r < n; r++)
        for (int k = 0; k < d; k++) buffer[a][r * d + k] = own[a][(size_t)rows[i + r] * d + k];
    rule(run, n * d, gradient + (size_t)i * d, odd);
    for (int a = 0; a < 3 && own[a]; a++)
      for (int r = 0; r < n; r++)
        for (int k = 0; k < d; k++) own[a][(size_t)rows[i + r] * d + k] = buffer[a][r * d + k];
  }
  return odd;
}

inline void report_odd(vf odd, int32_t* not_finite) {
  if (!(hsum(odd) == 0)) __atomic_store_n(not_finite, 1, __ATOMIC_RELAXED);
}

// Calls rule(trained, count, gradient, odd) for runs of parameters. A null gradient stands for zeros.
template <class Rule>
void update(const Rule& rule, const Trained& t, int n, int d, const int32_t* rows, int row_count, bool sparse, const float* gradient,
            int32_t* not_finite) {
  *not_finite = 0;
  if (!rows) {
    // A chunk of a large table may be longer than an int can count.
    constexpr int64_t kRun = 1 << 30;
    parallel((int64_t)n * d, 16384, [&](int64_t begin, int64_t end, int) {
      vf odd = zero();
      for (int64_t i = begin; i < end; i += kRun) rule(t.at(i), (int)(end - i < kRun ? end - i : kRun), gradient + i, odd);
      report_odd(odd, not_finite);
    });
    return;
  }
  if (sparse || !Rule::kMomentum) {
    parallel(row_count, 256, [&](int begin, int end, int) {
      if (d < W) return report_odd(update_narrow(rule, t, d, rows + begin, end - begin, gradient + (size_t)begin * d), not_finite);
      vf odd = zero();
      for (int i = begin; i < end; i++) {
        if (i + kRowsAhead < end) t.at((size_t)rows[i + kRowsAhead] * d).prefetch(d);
        rule(t.at((size_t)rows[i] * d), d, gradient + (size_t)i * d, odd);
      }
      report_odd(odd, not_finite);
    });
    return;
  }
  constexpr int kRowsTogether = 256;
  parallel(n, kRowsTogether, [&](int begin, int end, int) {
    int lo = 0, hi = row_count;
    while (lo < hi) {
      const int mid = (lo + hi) / 2;
      if (rows[mid] < begin) lo = mid + 1;
      else hi = mid;
    }
    vf odd = zero();
    if (d >= W) {
      for (int r = begin; r < end; r++) {
        const bool hit = lo < row_count && rows[lo] == r;
        rule(t.at((size_t)r * d), d, hit ? gradient + (size_t)lo * d : nullptr, odd);
        if (hit) lo++;
      }
    } else for (int first = begin; first < end; first += kRowsTogether) {
      const int last = first + kRowsTogether < end ? first + kRowsTogether : end;
      float all[kRowsTogether * W] = {};
      for (; lo < row_count && rows[lo] < last; lo++)
        for (int k = 0; k < d; k++) all[(size_t)(rows[lo] - first) * d + k] = gradient[(size_t)lo * d + k];
      rule(t.at((size_t)first * d), (last - first) * d, all, odd);
    }
    report_odd(odd, not_finite);
  });
}

// Adam (Kingma & Ba 2015) with decoupled weight decay (Loshchilov & Hutter 2019): p -= rate * decay * p.
struct Adam {
  static constexpr bool kMomentum = true;
  float beta1, rest1, beta2, rest2, epsilon, size, root, keep;

  Adam(double rate, double beta1, double beta2, double epsilon, double step, double decay)
      : beta1((float)beta1), rest1((float)(1 - beta1)), beta2((float)beta2), rest2((float)(1 - beta2)), epsilon((float)epsilon),
        size((float)(-rate / (1 - dexp(step * dlog(beta1))))), root((float)(1 / dsqrt(1 - dexp(step * dlog(beta2))))), keep((float)(1 - rate * decay)) {}

  MULDE_INLINE void lanes(const Trained& t, int k, int part, vf g, vf& odd) const {
    const vf m = fma(set1(beta1), load_part(t.first + k, part, 0), mul(set1(rest1), g));
    const vf v = fma(set1(beta2), load_part(t.second + k, part, 0), mul(set1(rest2), mul(g, g)));
    store_part(t.first + k, part, m);
    store_part(t.second + k, part, v);
    odd = vor(odd, sub(v, v));
    const vf move = div(mul(set1(size), m), fma(vsqrt(v), set1(root), set1(epsilon)));
    store_part(t.parameters + k, part, fma(set1(keep), load_part(t.parameters + k, part, 0), move));
  }
  MULDE_INLINE void operator()(const Trained& t, int count, const float* g, vf& odd) const {
    const int whole = count / W * W;
    if (g) for (int k = 0; k < whole; k += W) lanes(t, k, W, load(g + k), odd);
    else for (int k = 0; k < whole; k += W) lanes(t, k, W, zero(), odd);
    if (whole < count) lanes(t, whole, count - whole, g ? load_part(g + whole, count - whole, 0) : zero(), odd);
  }
};

// Checks the arguments of the optimizers: rows, dim, ids or null, count, sparse, gradient, parameters and the arrays of state; and the last one.
inline void check_update(Checker& c, int states, int last) {
  const int64_t n = c.whole(0), d = c.whole(1, 1), all = times(n, d);
  const int64_t count = c.given(2) ? c.whole(3) : c.whole(3, n, n);
  c.rising(2, count, n);
  c.holds(5, times(count, d));
  for (int i = 6; i < 7 + states; i++) c.holds(i, all);
  c.holds(last, 1);
}

// adam(n, dim, rows or null, row count, sparse, gradient, parameters, first moment, second moment, learning rate, beta1, beta2,
//      epsilon, step (from 1), decoupled weight decay, not finite (1))
inline void check_adam(Checker& c) { check_update(c, 2, 15); }
inline void adam(Args a) {
  update(Adam(a.num(9), a.num(10), a.num(11), a.num(12), a.num(13), a.num(14)), {a.f32(6), a.f32(7), a.f32(8)}, a.count(0), a.count(1),
         a.i32(2), a.count(3), a.flag(4), a.f32(5), a.i32(15));
}

// Adagrad (Duchi et al. 2011) with decoupled weight decay.
struct Adagrad {
  static constexpr bool kMomentum = false;
  float rate, epsilon, keep;

  MULDE_INLINE void lanes(const Trained& t, int k, int part, vf g, vf& odd) const {
    const vf sum = fma(g, g, load_part(t.first + k, part, 0));
    store_part(t.first + k, part, sum);
    odd = vor(odd, sub(sum, sum));
    const vf move = div(mul(set1(-rate), g), add(vsqrt(sum), set1(epsilon)));
    store_part(t.parameters + k, part, fma(set1(keep), load_part(t.parameters + k, part, 0), move));
  }
  MULDE_INLINE void operator()(const Trained& t, int count, const float* g, vf& odd) const {
    const int whole = count / W * W;
    for (int k = 0; k < whole; k += W) lanes(t, k, W, load(g + k), odd);
    if (whole < count) lanes(t, whole, count - whole, load_part(g + whole, count - whole, 0), odd);
  }
};

// adagrad(n, dim, rows or null, row count, sparse, gradient, parameters, sum of squares, learning rate, epsilon, weight decay,
//         not finite (1))
inline void check_adagrad(Checker& c) { check_update(c, 1, 11); }
inline void adagrad(Args a) {
  const Adagrad rule = {(float)a.num(8), (float)a.num(9), (float)(1 - a.num(8) * a.num(10))};
  update(rule, {a.f32(6), a.f32(7), nullptr}, a.count(0), a.count(1), a.i32(2), a.count(3), a.flag(4), a.f32(5),
         a.i32(11));
}

// addRows(batch, dim, ids (B), source (B x dim), table (n x dim, added to)): adds rows in the order of the batch.
inline void check_add_rows(Checker& c) {
  const int64_t batch = c.whole(0), d = c.whole(1, 1);
  c.ids(2, batch, c.rows_of(4, d));
  c.holds(3, times(batch, d));
}
inline void add_rows(Args a) {
  const int batch = a.count(0), d = a.count(1);
  const int32_t* ids = a.i32(2);
  const float* source = a.f32(3);
  float* table = a.f32(4);
  for (int b = 0; b < batch; b++) {
    float* row = table + (size_t)ids[b] * d;
    for (int k = 0; k < d; k++) row[k] += source[(size_t)b * d + k];
  }
}

}  // namespace MULDE_ISA
}  // namespace mulde
