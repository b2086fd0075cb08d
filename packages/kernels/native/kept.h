// The intermediate values of a loss over all entities.
#pragma once
#include "tile-scores.h"

namespace mulde {
namespace MULDE_ISA {

// A block of queries goes over all tiles twice: forward for its log-sum-exp or sum of softplus, then backward. Between the two, what the backward
// pass needs of every pair is kept for one block at a time. It fits the last-level cache, and no product or logarithm is computed twice.
template <int S>
struct Kept {
  static constexpr int kVectors = S == kRelationHyperbolic ? 5 : S == kHyperbolic ? 2 : 1;
  static constexpr int kQueries = S == kRelationHyperbolic ? 32 : kTileQueries;

  float* at;  // kVectors arrays for a row of the tile

  MULDE_INLINE void put(int j, const Score& s, vf dot) {
    if (S <= kEuclidean) return store(at + j, s.value);
    store(at + j, s.u);
    store(at + kTileEntities + j, s.angle);
    if (S == kHyperbolic) return;
    store(at + 2 * kTileEntities + j, s.t);
    store(at + 3 * kTileEntities + j, s.cosh2);
    store(at + 4 * kTileEntities + j, dot);
  }

  // Reads a score. For kRelationHyperbolic, returns <q, v> with the direction v, which only its gradient needs.
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

// The tiles are cut into this many pieces. More would cost memory (a gradient by the block's queries each) without a gain.
constexpr int kGradientPieces = 64;

// The sum of exp(s - top) over some entities.
struct ExpSum {
  double top, sum;
};

// If a score exceeds the reference by more than this, its tile is summed again with a new reference.
constexpr float kFarAbove = 60;

enum AllEntitiesLoss { kSoftmax, kLogistic };

// The number of sums of each query and piece in `backward`.
constexpr int kQuerySums = 6;

// The values kept for each entity of a tile, at most.
constexpr int kKeptFloats = Kept<kRelationHyperbolic>::kQueries * Kept<kRelationHyperbolic>::kVectors;

}  // namespace MULDE_ISA
}  // namespace mulde
