// Adam and Adagrad over tables of rows. The gradient is dense (rows = null: n x dim) or given for some rows, ascending; then the other
// rows have gradient zero: a dense update moves them by their momentum all the same, a sparse one leaves them alone.
#pragma once
#include "losses.h"

namespace mulde {
namespace MULDE_ISA {

// Calls step(i, count, g) for runs of parameters [i, i + count) with their gradients g, or null for zeros.
template <class F>
void for_each_row(int n, int d, const int32_t* rows, int row_count, bool sparse, const float* gradient, const F& step) {
  if (!rows) {
    parallel((int64_t)n * d, 16384, [&](int begin, int end, int) { step((size_t)begin, end - begin, gradient + begin); });
  } else if (sparse) {
    parallel(row_count, 256, [&](int begin, int end, int) {
      for (int i = begin; i < end; i++) step((size_t)rows[i] * d, d, gradient + (size_t)i * d);
    });
  } else {
    parallel(n, 256, [&](int begin, int end, int) {
      int lo = 0, hi = row_count;
      while (lo < hi) {
        const int mid = (lo + hi) / 2;
        if (rows[mid] < begin) lo = mid + 1;
        else hi = mid;
      }
      for (int r = begin; r < end; r++) {
        const bool hit = lo < row_count && rows[lo] == r;
        step((size_t)r * d, d, hit ? gradient + (size_t)lo * d : nullptr);
        if (hit) lo++;
      }
    });
  }
}

// adam(n, dim, rows or null, row count, sparse, gradient, parameters, first moment, second moment, learning rate, beta1, beta2,
//      epsilon, step (from 1), decoupled weight decay)
// Kingma & Ba 2015; weight decay as in Loshchilov & Hutter 2019: p -= rate * decay * p.
inline void adam(Args a) {
  float *p = a.f32(6), *m = a.f32(7), *v = a.f32(8);
  const double rate = a.num(9), beta1 = a.num(10), beta2 = a.num(11), step = a.num(13), decay = a.num(14);
  double power1 = dexp(step * dlog(beta1)), power2 = dexp(step * dlog(beta2));
  const vf b1 = set1((float)beta1), c1 = set1((float)(1 - beta1)), b2 = set1((float)beta2), c2 = set1((float)(1 - beta2));
  const vf eps = set1((float)a.num(12)), size = set1((float)(-rate / (1 - power1))), root = set1((float)(1 / dsqrt(1 - power2)));
  const vf keep = set1((float)(1 - rate * decay));
  for_each_row(a.count(0), a.count(1), a.i32(2), a.count(3), a.count(4) != 0, a.f32(5), [&](size_t at, int count, const float* g) {
    for (int k = 0; k < count; k += W) {
      const size_t i = at + k;
      const int part = count - k;
      const vf x = g ? load_part(g + k, part, 0) : zero();
      const vf first = fma(b1, load_part(m + i, part, 0), mul(c1, x));
      const vf second = fma(b2, load_part(v + i, part, 0), mul(c2, mul(x, x)));
      store_part(m + i, part, first);
      store_part(v + i, part, second);
      const vf move = div(mul(size, first), fma(vsqrt(second), root, eps));
      store_part(p + i, part, fma(keep, load_part(p + i, part, 0), move));
    }
  });
}

// adagrad(n, dim, rows or null, row count, sparse, gradient, parameters, sum of squares, learning rate, epsilon, weight decay)
// Duchi et al. 2011.
inline void adagrad(Args a) {
  float *p = a.f32(6), *sum = a.f32(7);
  const vf rate = set1((float)-a.num(8)), eps = set1((float)a.num(9)), keep = set1((float)(1 - a.num(8) * a.num(10)));
  for_each_row(a.count(0), a.count(1), a.i32(2), a.count(3), a.count(4) != 0, a.f32(5), [&](size_t at, int count, const float* g) {
    if (!g) return;
    for (int k = 0; k < count; k += W) {
      const size_t i = at + k;
      const int part = count - k;
      const vf x = load_part(g + k, part, 0);
      const vf s = fma(x, x, load_part(sum + i, part, 0));
      store_part(sum + i, part, s);
      store_part(p + i, part, fma(keep, load_part(p + i, part, 0), div(mul(rate, x), add(vsqrt(s), eps))));
    }
  });
}

// addRows(batch, dim, ids (B), source (B x dim), table (n x dim, added to)): in the order of the batch
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

// copyRows(rows, width, source, source stride, source offset, target, target stride, target offset): 4-byte values
inline void copy_rows(Args a) {
  const int rows = a.count(0), width = a.count(1), from_stride = a.count(3), to_stride = a.count(6);
  const int32_t* from = a.i32(2) + a.count(4);
  int32_t* to = a.i32(5) + a.count(7);
  parallel(rows, 64, [&](int begin, int end, int) {
    for (int r = begin; r < end; r++) __builtin_memcpy(to + (size_t)r * to_stride, from + (size_t)r * from_stride, (size_t)width * 4);
  });
}

}  // namespace MULDE_ISA
}  // namespace mulde
