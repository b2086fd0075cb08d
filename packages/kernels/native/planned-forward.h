// The kernel `plannedCandidates`: scores of each query's own candidates, row by row.
#pragma once
#include "pair-block.h"

namespace mulde {
namespace MULDE_ISA {

template <int S>
void planned_forward(const Candidates& x, const RowPlan& plan, float* terms, float* alongs, float* radii, float* scores) {
  parallel(plan.rows, 64, [&](int begin, int end, int) {
    PairBlock<S> block;
    float term[kBlockPairs + W], along[kBlockPairs + W], t[kBlockPairs + W];
    int i = begin;
    for (int first = plan.offsets[begin], last = plan.offsets[end]; first < last; first += block.n) {
      i = block.fill(x, plan, i, first, last);
      const int n = block.n;
      if (S == kRelationHyperbolic)
        for (int k = 0; k < n; k += W) {
          Score s;
          entity_radius<S>(block.queries(k), block.entities(k), &s);
          store(t + k, s.t);
          store_part(radii + first + k, n - k, s.t);
        }
      for (int k = 0; k < n; k += 4) {
        const float *q[4], *p[4];
        for (int j = 0; j < 4; j++) {
          q[j] = x.q + (size_t)block.query[k + j] * x.stride;
          p[j] = x.points + (size_t)block.row[k + j] * x.stride;
        }
        pair_terms4<S>(q, p, x.stride, t + k, term + k, along + k);
      }
      for (int k = 0; k < n; k += W) {
        const MixedLanes q = block.queries(k);
        const EntityLanes e = block.entities(k);
        Score s;
        entity_radius<S>(q, e, &s);
        score_lanes<S>(q, e, load(term + k), &s);
        store_part(terms + first + k, n - k, load(term + k));
        if (S == kRelationHyperbolic) store_part(alongs + first + k, n - k, load(along + k));
        store(term + k, s.value);
      }
      for (int k = 0; k < n; k++) {
        const float head = x.head_bias ? x.head_bias[block.query[k]] : 0;
        scores[plan.entries[first + k]] = term[k] + (head + x.bias[block.row[k]]);
      }
    }
  });
}

// plannedCandidates(... as candidates up to K ..., rows, offsets, entries, terms (B x K, in the plan's order, like the next two),
//                   along and radii (kRelationHyperbolic only), scores (B x K))
inline void check_planned_candidates(Checker& c) { c.holds(21, check_planned(c, check_pairs(c))); }
inline void planned_candidates(Args a) {
  const Candidates x(a, nullptr, a.count(14));
  const RowPlan plan(a, x);
  float *terms = a.f32(18), *alongs = a.f32(19), *radii = a.f32(20), *scores = a.f32(21);
#define MULDE_CALL(S) planned_forward<S>(x, plan, terms, alongs, radii, scores)
  MULDE_BY_SIMILARITY(a.count(0), MULDE_CALL)
#undef MULDE_CALL
}

}  // namespace MULDE_ISA
}  // namespace mulde
