// What a loss over all entities keeps between its two ways over the tiles.
#pragma once
#include "tile-scores.h"

namespace mulde {
namespace MULDE_ISA {

// Losses over all entities. A block of queries goes over all tiles twice: forward for its log-sum-exp or its sum of softplus, and
// backward. What the way back needs of every pair is kept between the two, for one block at a time: it stays in the last-level cache,
// and no product and no logarithm is computed twice.
template <int S>
struct Kept {
  static constexpr int kVectors = S == kRelationHyperbolic ? 5 : S == kHyperbolic ? 2 : 1;
  static constexpr int kQueries = S == kRelationHyperbolic ? 32 : kTileQueries;

  float* at;  // kVectors arrays of a row of the tile, one behind the other

  MULDE_INLINE void put(int j, const Score& s, vf dot) {
    if (S <= kEuclidean) return store(at + j, s.value);
    store(at + j, s.u);
    store(at + kTileEntities + j, s.angle);
    if (S == kHyperbolic) return;
    store(at + 2 * kTileEntities + j, s.t);
    store(at + 3 * kTileEntities + j, s.cosh2);
    store(at + 4 * kTileEntities + j, dot);
  }

  // Returns <q, p> (kRelationHyperbolic: by the direction), which only its gradient needs.
  MULDE_INLINE vf get(const QueryLanes& q, int j, Score* s) const {
    if (S <= kEuclidean) {
      s->value = load(at + j);
      return zero();
    }
    s->u = load(at + j);
    s->angle = load(at + kTileEntities + j);
    finish_score(q, s);
    if (S == kHyperbolic) return zero();
    s->t = load(at + 2 * kTileEntities + j);
    s->cosh2 = load(at + 3 * kTileEntities + j);
    return load(at + 4 * kTileEntities + j);
  }
};

// Pieces of the tiles: more would cost memory, a gradient by the block's queries each, without need.
constexpr int kGradientPieces = 64;

// sum of exp(s - top) over some entities
struct ExpSum {
  double top, sum;
};

// Scores further than this above the reference are summed anew with another.
constexpr float kFarAbove = 60;

enum AllEntitiesLoss { kSoftmax, kLogistic };

// What each query of a piece of the tiles sums up on the way back: see `backward`.
constexpr int kQuerySums = 6;

// Of a tile's pairs for each entity, at most.
constexpr int kKeptFloats = Kept<kRelationHyperbolic>::kQueries * Kept<kRelationHyperbolic>::kVectors;

}  // namespace MULDE_ISA
}  // namespace mulde
