// The kernel `rank`: how many entities score above a query's target, for filtered ranking.
#pragma once
#include "tile-scores.h"

namespace mulde {
namespace MULDE_ISA {

inline void atomic_add(int32_t* p, int32_t v) { __atomic_fetch_add(p, v, __ATOMIC_RELAXED); }

template <int S>
void rank_of(const Args& a) {
  const AllPairs x(a);
  const int32_t *targets = a.i32(15), *offsets = a.i32(16), *filter = a.i32(17);
  int32_t *greater = a.i32(18), *equal = a.i32(19), *bad = a.i32(20);
  float* target = a.f32(21);
  // First the targets' scores, each from the panel with the target.
  parallel(x.batch, 8, [&](int begin, int end, int) {
    QueryBlock block;
    Tile tile;
    TileEntities entities;
    for (int b = begin; b < end; b++) {
      const int t = targets[b] / kTileEntities, first = t * kTileEntities;
      int32_t place[W] = {targets[b] - first};
      float score[W];
      block.load_rows(x.q, x.stride, b, b + 1);
      entities.read(x, t);
      tile.products(x, block, t, place[0] / kPanel, place[0] / kPanel + 1);
      score_places<S>(x, entities, x.lanes(b), b, first, tile.value, x.head_bias ? x.head_bias[b] : 0, place, 1, score);
      target[b] = score[0];
      greater[b] = equal[b] = 0;
      bad[b] = !finite(score[0]);
    }
  });
  for_each_tile(x, [&](const QueryBlock& block, const Tile& tile, const TileEntities& entities) {
    uint32_t dead[kTileEntities / W];
    int32_t at[kTileEntities + 2 * W];
    float scores[kTileEntities + W];
    for (int i = 0; i < block.count; i++) {
      const int b = block.first + i;
      const QueryLanes q = x.lanes(b);
      const float head = x.head_bias ? x.head_bias[b] : 0, *row = tile.value + i * kTileStride;
      mark_dead(tile, filter, offsets[b], offsets[b + 1], targets[b], dead);
      int above = 0, same = 0, odd = 0;
      const int n = survivors<S>(q, entities, row, tile.padded, bounds<S>(q, entities, head, target[b], true), dead, at, &above);
      if (n > 0) score_places<S>(x, entities, q, b, tile.first, row, head, at, n, scores);
      for (int j = 0; j < n; j++) {
        above += scores[j] > target[b];
        same += scores[j] == target[b];
        odd += !finite(scores[j]);
      }
      if (above) atomic_add(greater + b, above);
      if (same) atomic_add(equal + b, same);
      if (odd) atomic_add(bad + b, odd);
    }
  });
}

// rank(... as scoreAll up to packed ..., targets (B), filter offsets (B + 1), filter ids (ascending within a query),
//      greater (B), equal (B), not finite (B), scratch (B)). Counts the entities that score above the target and equal to it, without the
// target itself and the filtered ones. All scores come from the same tiles by the same operations, so ties are exact.
inline void check_rank(Checker& c) {
  const PairShape x = check_all_pairs(c);
  c.ids(15, x.batch, x.n);
  c.offsets(16, x.batch, c.length(17));
  c.runs(17, 16, x.batch, x.n);
  c.all_hold(18, 21, x.batch);
}
inline void rank(Args a) {
#define MULDE_CALL(S) rank_of<S>(a)
  MULDE_BY_SIMILARITY(a.count(0), MULDE_CALL)
#undef MULDE_CALL
}

}  // namespace MULDE_ISA
}  // namespace mulde
