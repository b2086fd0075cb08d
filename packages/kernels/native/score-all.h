// The kernel `scoreAll`: scores of all entities.
#pragma once
#include "tile-scores.h"

namespace mulde {
namespace MULDE_ISA {

// scoreAll(... as candidates up to bias ..., packed, scores (B x N))
inline void check_score_all(Checker& c) {
  const PairShape x = check_all_pairs(c);
  c.holds(15, times(x.batch, x.n));
}
inline void score_all(Args a) {
  const AllPairs x(a);
  float* scores = a.f32(15);
  const int sim = a.count(0);
  for_each_tile(x, [&](const QueryBlock& block, Tile& tile, const TileEntities& entities) {
    score_tile(sim, x, block, entities, tile);
    for (int i = 0; i < block.count; i++) {
      float* out = scores + (size_t)(block.first + i) * x.n + tile.first;
      const float* row = tile.value + i * kTileStride;
      for (int j = 0; j < tile.count; j++) out[j] = row[j];
    }
  });
}

}  // namespace MULDE_ISA
}  // namespace mulde
