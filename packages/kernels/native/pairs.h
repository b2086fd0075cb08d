// Pairs of a query and a point: inner products and distances, and the arguments that the kernels over pairs share.
#pragma once
#include "check.h"
#include "points.h"

namespace mulde {
namespace MULDE_ISA {

// <q, p> for kDot, |q - t p|^2 for the others. t is 1 except for kRelationHyperbolic, which also gets `along` = <p, q - t p>.
template <int S>
MULDE_INLINE float pair_term(const float* q, const float* p, int stride, float t, float* along) {
  vf sum = zero(), dot = zero();
  for (int k = 0; k < stride; k += W) {
    const vf x = load(q + k), y = load(p + k);
    if (S == kDot) {
      sum = fma(x, y, sum);
    } else if (S == kRelationHyperbolic) {
      const vf diff = fnma(set1(t), y, x);
      sum = fma(diff, diff, sum);
      dot = fma(diff, y, dot);
    } else {
      const vf diff = sub(x, y);
      sum = fma(diff, diff, sum);
    }
  }
  if (S == kRelationHyperbolic) *along = hsum(dot);
  return hsum(sum);
}

// Four pairs at once. Summing their lanes together takes a third of the shuffles. Each result equals pair_term's.
template <int S>
MULDE_INLINE void pair_terms4(const float* const* q, const float* const* p, int stride, const float* t, float* terms, float* alongs) {
  vf a = zero(), b = zero(), c = zero(), d = zero(), along_a = zero(), along_b = zero(), along_c = zero(), along_d = zero();
  for (int k = 0; k < stride; k += W) {
    const vf x0 = load(q[0] + k), x1 = load(q[1] + k), x2 = load(q[2] + k), x3 = load(q[3] + k);
    const vf y0 = load(p[0] + k), y1 = load(p[1] + k), y2 = load(p[2] + k), y3 = load(p[3] + k);
    if (S == kDot) {
      a = fma(x0, y0, a);
      b = fma(x1, y1, b);
      c = fma(x2, y2, c);
      d = fma(x3, y3, d);
    } else {
      const bool scaled = S == kRelationHyperbolic;
      const vf e0 = scaled ? fnma(set1(t[0]), y0, x0) : sub(x0, y0), e1 = scaled ? fnma(set1(t[1]), y1, x1) : sub(x1, y1);
      const vf e2 = scaled ? fnma(set1(t[2]), y2, x2) : sub(x2, y2), e3 = scaled ? fnma(set1(t[3]), y3, x3) : sub(x3, y3);
      a = fma(e0, e0, a);
      b = fma(e1, e1, b);
      c = fma(e2, e2, c);
      d = fma(e3, e3, d);
      if (!scaled) continue;
      along_a = fma(e0, y0, along_a);
      along_b = fma(e1, y1, along_b);
      along_c = fma(e2, y2, along_c);
      along_d = fma(e3, y3, along_d);
    }
  }
  hsum4(a, b, c, d, terms);
  if (S == kRelationHyperbolic) hsum4(along_a, along_b, along_c, along_d, alongs);
}

// A batch of queries, and points with the ids of each query's candidates.
struct Candidates : QueryConstants {
  int batch, count, stride;
  const float *q, *head_bias, *points, *norm, *point_alpha, *bias;
  const int32_t* ids;

  Candidates(const Args& a, const int32_t* ids, int count)
      : QueryConstants{a.f32(4), a.f32(5), a.f32(6)}, batch(a.count(1)), count(count), stride(row_stride(a.count(2))), q(a.f32(3)),
        head_bias(a.f32(7)), points(a.f32(10)), norm(a.f32(11)), point_alpha(a.f32(12)), bias(a.f32(13)), ids(ids) {}
};

// Checks the arguments that all kernels over queries and points begin with: similarity, batch, dim, q, square, alpha, c or null, head bias or
// null, then the number of points, their dim, points, norm, alpha, bias.
struct PairShape {
  int64_t similarity, batch, stride, n;
};
inline PairShape check_pairs(Checker& c) {
  const int64_t similarity = c.whole(0, 0, kSimilarities - 1), batch = c.whole(1), dim = c.whole(2, 1, kMaxDim), stride = row_stride((int)dim);
  c.holds(3, times(batch, stride));
  c.all_hold(4, 7, batch);
  const int64_t n = c.whole(8);
  c.whole(9, dim, dim);
  c.holds(10, times(n, stride));
  c.all_hold(11, 13, n);
  return {similarity, batch, stride, n};
}

}  // namespace MULDE_ISA
}  // namespace mulde
