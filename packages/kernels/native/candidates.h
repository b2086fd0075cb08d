// The kernel `candidates`: scores of each query's own candidates, without a plan.
#pragma once
#include "pairs.h"

namespace mulde {
namespace MULDE_ISA {

// Repeats the last id up to a whole vector, which `gather` needs.
MULDE_INLINE const int32_t* gather_ids(const int32_t* ids, int left, int32_t* scratch) {
  if (left >= W) return ids;
  for (int i = 0; i < W; i++) scratch[i] = ids[i < left ? i : left - 1];
  return scratch;
}

template <int S>
MULDE_INLINE EntityLanes gather_entity(const Candidates& x, const int32_t* ids) {
  return {S == kRelationHyperbolic ? gather(x.norm, ids) : zero(), S == kHyperbolic ? gather(x.point_alpha, ids) : zero()};
}

// The radii t = tanh(sqrt(c) n) of one query's candidates, for kRelationHyperbolic only.
inline void radius_row(const Candidates& x, int b, float* t) {
  const QueryLanes q = x.lanes(b);
  const int32_t* row = x.ids + (size_t)b * x.count;
  int32_t scratch[W];
  for (int j = 0; j < x.count; j += W) {
    Score s;
    entity_radius<kRelationHyperbolic>(q, gather_entity<kRelationHyperbolic>(x, gather_ids(row + j, x.count - j, scratch)), &s);
    store_part(t + j, x.count - j, s.t);
  }
}

// Turns the terms of one query's candidates into scores with biases.
template <int S>
void score_row(const Candidates& x, int b, const float* term, float* scores) {
  const QueryLanes q = x.lanes(b);
  const vf head = set1(x.head_bias ? x.head_bias[b] : 0);
  const int32_t* row = x.ids + (size_t)b * x.count;
  int32_t scratch[W];
  for (int j = 0; j < x.count; j += W) {
    const int32_t* ids = gather_ids(row + j, x.count - j, scratch);
    const EntityLanes e = gather_entity<S>(x, ids);
    Score s;
    entity_radius<S>(q, e, &s);
    score_lanes<S>(q, e, load_part(term + j, x.count - j, 0), &s);
    store_part(scores + j, x.count - j, add(s.value, add(head, gather(x.bias, ids))));
  }
}

// Goes over the points block by block. If candidates ascend, as top-K returns them, a block is read from memory once for many queries. A block of
// 256 KiB fits any second-level cache.
constexpr int kBlockFloats = 65536;
constexpr int kBlockQueries = 64;

template <int S>
void candidates_forward(const Candidates& x, float* scores) {
  const int rows = kBlockFloats / x.stride;
  parallel(x.batch, 32, [&](int begin, int end, int) {
    float along;
    for (int first = begin; first < end; first += kBlockQueries) {
      const int n = end - first < kBlockQueries ? end - first : kBlockQueries;
      int next[kBlockQueries];
      int open = n;
      for (int i = 0; i < n; i++) {
        next[i] = 0;
        // The radii are kept where the terms will be.
        if (S == kRelationHyperbolic) radius_row(x, first + i, scores + (size_t)(first + i) * x.count);
      }
      // Candidates out of order are read when their turn comes. Order affects time, never results.
      for (int64_t limit = rows; open > 0; limit += rows) {
        open = 0;
        for (int i = 0; i < n; i++) {
          const int b = first + i;
          const int32_t* ids = x.ids + (size_t)b * x.count;
          const float* row = x.q + (size_t)b * x.stride;
          float* term = scores + (size_t)b * x.count;
          int j = next[i];
          const float* const q[4] = {row, row, row, row};
          for (; j + 4 <= x.count && ids[j] < limit && ids[j + 1] < limit && ids[j + 2] < limit && ids[j + 3] < limit; j += 4) {
            const float* p[4];
            float alongs[4];
            for (int k = 0; k < 4; k++) p[k] = x.points + (size_t)ids[j + k] * x.stride;
            if (j + 8 <= x.count)
              for (int k = 4; k < 8; k++) __builtin_prefetch(x.points + (size_t)ids[j + k] * x.stride);
            pair_terms4<S>(q, p, x.stride, term + j, term + j, alongs);
          }
          for (; j < x.count && ids[j] < limit; j++) {
            if (j + 4 < x.count) __builtin_prefetch(x.points + (size_t)ids[j + 4] * x.stride);
            term[j] = pair_term<S>(row, x.points + (size_t)ids[j] * x.stride, x.stride, term[j], &along);
          }
          next[i] = j;
          open += j < x.count;
        }
      }
      for (int i = 0; i < n; i++) {
        float* row = scores + (size_t)(first + i) * x.count;
        score_row<S>(x, first + i, row, row);
      }
    }
  });
}

// candidates(similarity, batch, dim, q (B x stride), square (B), alpha (B), c (B) or null, head bias (B) or null,
//            n, dim, points (n x stride), norm (n), alpha (n), bias (n), K, ids (B x K rows of points), scores (B x K))
inline void check_candidates(Checker& c) {
  const PairShape x = check_pairs(c);
  const int64_t pairs = times(x.batch, c.whole(14));
  c.ids(15, pairs, x.n);
  c.holds(16, pairs);
}
inline void candidates(Args a) {
  const Candidates x(a, a.i32(15), a.count(14));
  float* scores = a.f32(16);
#define MULDE_CALL(S) candidates_forward<S>(x, scores)
  MULDE_BY_SIMILARITY(a.count(0), MULDE_CALL)
#undef MULDE_CALL
}

}  // namespace MULDE_ISA
}  // namespace mulde
