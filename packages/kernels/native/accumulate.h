// Matrix products that add up weighted rows.
#pragma once
#include "tile.h"

namespace mulde {
namespace MULDE_ISA {

// out[i][:] += sum over k of A(i, k) b[k][:] with A(i, k) = a[i si + k sk], for R values of i and V vectors of columns at once.
template <int R, int V>
MULDE_INLINE void accumulate_block(const float* a, int si, int sk, int count, const float* b, int stride, float* out) {
  vf sum[R][V];
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) sum[r][v] = load(out + (size_t)r * stride + v * W);
  for (int k = 0; k < count; k++, a += sk, b += stride) {
    vf y[V];
    for (int v = 0; v < V; v++) y[v] = load(b + v * W);
    for (int r = 0; r < R; r++) {
      const vf x = set1(a[r * si]);
      for (int v = 0; v < V; v++) sum[r][v] = fma(x, y[v], sum[r][v]);
    }
  }
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) store(out + (size_t)r * stride + v * W, sum[r][v]);
}

template <int R>
MULDE_INLINE void accumulate_rows(const float* a, int si, int sk, int count, const float* b, int stride, float* out) {
  int col = 0;
  if (kRows == 8)
    for (; col + 4 * W <= stride; col += 4 * W) accumulate_block<R, 4>(a, si, sk, count, b + col, stride, out + col);
  for (; col + 2 * W <= stride; col += 2 * W) accumulate_block<R, 2>(a, si, sk, count, b + col, stride, out + col);
  for (; col < stride; col += W) accumulate_block<R, 1>(a, si, sk, count, b + col, stride, out + col);
}

inline void accumulate(const float* a, int si, int sk, int rows, int count, const float* b, int stride, float* out) {
  // A block of this many rows of b fits the first-level cache.
  constexpr int kBlock = 96;
  for (int k = 0; k < count; k += kBlock, a += (size_t)kBlock * sk, b += (size_t)kBlock * stride) {
    const int n = count - k < kBlock ? count - k : kBlock;
    int i = 0;
    for (; i + 4 <= rows; i += 4) accumulate_rows<4>(a + (size_t)i * si, si, sk, n, b, stride, out + (size_t)i * stride);
    for (; i < rows; i++) accumulate_rows<1>(a + (size_t)i * si, si, sk, n, b, stride, out + (size_t)i * stride);
  }
}

}  // namespace MULDE_ISA
}  // namespace mulde
