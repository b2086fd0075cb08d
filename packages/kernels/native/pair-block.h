// Blocks of pairs in the order of a plan.
//
// A batch of B queries with K random candidates each touches most rows several times, in no order. A plan lists, for every row, the pairs that
// touch it. Training follows that list block by block: a row's point stays in registers, only the B query points are gathered (they
// fit the second-level cache), and a row's gradient is summed in one place, in one order. Everything kept of the pairs is in the plan's order
// as well; only scores and their gradients are in the queries' order.
#pragma once
#include "pairs.h"

namespace mulde {
namespace MULDE_ISA {

// The pairs of each row.
struct RowPlan {
  int rows, K;
  const int32_t *offsets, *entries;
  // position / K equals (position inverse_k) >> kShift if the product is below 2^64 and B K K below 2^kShift.
  static constexpr int kShift = 44;
  bool multiplies;
  uint64_t inverse_k;

  RowPlan(const Args& a, const Candidates& x)
      : rows(a.count(15)), K(x.count), offsets(a.i32(16)), entries(a.i32(17)),
        multiplies(x.batch < (1 << (64 - kShift)) && (double)x.batch * K * K < (double)(1ull << kShift)), inverse_k((1ull << kShift) / K + 1) {}

  // Calls f(k, query) for entries first + k, k = 0 .. n - 1.
  template <class F>
  MULDE_INLINE void for_queries(int first, int n, const F& f) const {
    // Local copies: what f stores might alias members, which would keep compilers from vectorising.
    const int32_t* list = entries + first;
    const uint64_t inverse = inverse_k;
    const int divisor = K;
    if (__builtin_expect(multiplies, 1)) for (int k = 0; k < n; k++) f(k, (int)((uint64_t)list[k] * inverse >> kShift));
    else for (int k = 0; k < n; k++) f(k, list[k] / divisor);
  }
};

// Checks K (argument 14), rows, offsets, entries, terms, along and radii. Returns the number of pairs.
inline int64_t check_planned(Checker& c, const PairShape& x) {
  const int64_t K = c.whole(14, 1), pairs = times(x.batch, K), rows = c.whole(15, 0, x.n);
  if (pairs > kMaxCount) c.whole(14, 1, kMaxCount / x.batch);
  c.offsets(16, rows, pairs);
  c.equal(16, rows, pairs);
  c.ids(17, pairs, pairs);
  for (int i = 18; i <= 20; i++) {
    if (i > 18 && x.similarity == kRelationHyperbolic) c.present(i);
    c.holds(i, pairs);
  }
  return pairs;
}

// A block of pairs in lanes: their queries and rows, and the constants of both. Lanes after the last pair may be read and written.
constexpr int kBlockPairs = 256;

template <int S>
struct PairBlock {
  static constexpr int kRoom = kBlockPairs + W;
  int n;
  int32_t query[kRoom], row[kRoom];
  float q_alpha[kRoom], c[kRoom], norm[kRoom], alpha[kRoom];

  PairBlock() : n(0) {
    for (int k = 0; k < kRoom; k++) query[k] = row[k] = 0;
    for (int k = 0; k < kRoom; k++) q_alpha[k] = c[k] = norm[k] = alpha[k] = 1;
  }

  // Takes up to kBlockPairs pairs from `first` on, which belong to row i or later ones. Returns the last pair's row.
  int fill(const Candidates& x, const RowPlan& plan, int i, int first, int last) {
    const RowPlan list = plan;
    const float *alphas = x.alpha, *curvatures = x.c;
    n = last - first < kBlockPairs ? last - first : kBlockPairs;
    list.for_queries(first, n, [&](int k, int b) {
      query[k] = b;
      if (S < kHyperbolic) return;
      q_alpha[k] = alphas[b];
      if (curvatures) c[k] = curvatures[b];
    });
    for (int k = 0; k < n;) {
      while (list.offsets[i + 1] <= first + k) i++;
      const int stop = list.offsets[i + 1] - first < n ? list.offsets[i + 1] - first : n;
      for (int m = k; m < stop; m += W) {
        for (int lane = 0; lane < W; lane++) row[m + lane] = i;
        if (S == kHyperbolic) store(alpha + m, set1(x.point_alpha[i]));
        if (S == kRelationHyperbolic) store(norm + m, set1(x.norm[i]));
      }
      k = stop;
    }
    return i;
  }

  MULDE_INLINE MixedLanes queries(int k) const {
    const vf cs = load(c + k);
    return {load(q_alpha + k), cs, S == kRelationHyperbolic ? vsqrt(cs) : cs};
  }
  MULDE_INLINE EntityLanes entities(int k) const { return {load(norm + k), load(alpha + k)}; }
};

}  // namespace MULDE_ISA
}  // namespace mulde
