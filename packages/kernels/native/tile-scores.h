// Scores from a tile's inner products: of all its entities, or only of those that cheap bounds do not rule out.
#pragma once
#include "tile.h"

namespace mulde {
namespace MULDE_ISA {

// |q|^2 + |p|^2 - 2 <q, p> loses digits if q is near p. Pairs with |q - p|^2 below this part of |q|^2 + |p|^2 are summed directly.
constexpr float kNear = 0.02f;

// The rounding error of |q|^2 + |p|^2 - 2 <q, p>, relative to |q|^2 + |p|^2, with a margin. Bounds allow for it.
constexpr float kBoundSlack = 4e-6f;

// Scores of larger values could overflow.
constexpr float kWild = 1e30f;
constexpr uint32_t kAllLanes = (uint32_t)((1ull << W) - 1);

// The per-entity arrays of a tile. The last entity is repeated so that whole vectors can be read.
struct TileEntities {
  alignas(64) float norm[kTileEntities], alpha[kTileEntities], bias[kTileEntities];
  // For the bounds: 2 alpha; alpha and alpha |p|^2, slightly reduced and slightly enlarged; the extreme biases.
  alignas(64) float twice[kTileEntities], low[kTileEntities], low_norm[kTileEntities], high[kTileEntities], high_norm[kTileEntities];
  float highest, lowest;
  bool wild;  // whether a value is not finite, or so large that its score may not be

  void read(const AllPairs& x, int tile) {
    const int first = tile * kTileEntities;
    highest = -3.4e38f;
    lowest = 3.4e38f;
    wild = false;
    for (int j = 0; j < kTileEntities; j++) {
      const int e = first + j < x.n ? first + j : x.n - 1;
      norm[j] = x.norm[e];
      alpha[j] = x.point_alpha[e];
      bias[j] = x.bias[e];
      twice[j] = 2 * alpha[j];
      low[j] = alpha[j] * (1 - kBoundSlack);
      low_norm[j] = low[j] * norm[j];
      high[j] = alpha[j] * (1 + kBoundSlack);
      high_norm[j] = high[j] * norm[j];
      highest = bias[j] > highest ? bias[j] : highest;
      lowest = bias[j] < lowest ? bias[j] : lowest;
      wild |= !(norm[j] < kWild && alpha[j] < kWild && bias[j] < kWild && bias[j] > -kWild);
    }
  }
};

// The term score_lanes needs: for distances D = |q|^2 + |p|^2 - 2 <q, p>, summed directly for near pairs. The lanes' entities are entity,
// entity + 1, ..., or entity + at[0], entity + at[1], ...
template <int S>
MULDE_INLINE vf tile_term(const AllPairs& x, const QueryLanes& q, int b, int entity, const int32_t* at, vf norm, vf t, vf dot) {
  if (S == kDot) return dot;
  const vf two_t = S == kRelationHyperbolic ? add(t, t) : set1(2.0f);
  const vf square = add(set1(q.square), S == kRelationHyperbolic ? mul(t, t) : norm);
  const vf D = fnma(two_t, dot, square);
  uint32_t near = bits(lt(D, mul(set1(kNear), square)));
  if (__builtin_expect(near == 0, 1)) return D;
  float lane[W], radius[W];
  store(lane, D);
  if (S == kRelationHyperbolic) store(radius, t);
  for (; near; near &= near - 1) {
    const int i = __builtin_ctz(near), e = entity + (at ? at[i] : i);
    float along;
    if (e < x.n)
      lane[i] = pair_term<S>(x.q + (size_t)b * x.stride, x.points + (size_t)e * x.stride, x.stride,
                             S == kRelationHyperbolic ? radius[i] : 1, &along);
  }
  return load(lane);
}

template <int S>
MULDE_INLINE Score tile_score(const AllPairs& x, const TileEntities& e, const QueryLanes& q, int b, int first, int j, vf dot) {
  const EntityLanes lanes = {load(e.norm + j), load(e.alpha + j)};
  Score s;
  entity_radius<S>(q, lanes, &s);
  score_lanes<S>(q, lanes, tile_term<S>(x, q, b, first + j, nullptr, lanes.norm, s.t, dot), &s);
  return s;
}

// Cheap bounds on D alpha_p (kDot: on -<q, p>). A score is -f(D) + bias with a rising f. An entity of a tile can reach the score y only at or below
// `upper`, which assumes the largest bias, and certainly exceeds it below `lower`, which assumes the least. Only entities between the two
// need their exact score, which comes from the same products by the same operations as everywhere else. Bounds that say nothing are NaN:
// then all entities are in between.
struct Bounds {
  float upper, lower;
};

template <int S>
inline float reach(const QueryLanes& q, double f, double margin) {
  double most = f + margin;
  if (S == kHyperbolic && most > 0) {
    const double grown = dexp(dsqrt(most * q.c));
    // cosh(A) - 1 = u = 2 D alpha_q alpha_p
    most = (grown + 1 / grown - 2) / 2 / (2.0 * q.alpha) * (margin > 0 ? 1 + 1e-4 : 1 - 1e-4);
  }
  return most > 3e38 ? 3e38f : most < -3e38 ? -3e38f : (float)most;
}

template <int S>
inline Bounds bounds(const QueryLanes& q, const TileEntities& e, float head, float y, bool both) {
  const float none = __builtin_nanf("");
  if (S == kRelationHyperbolic || e.wild || !(q.square < kWild) || !(q.square > -kWild) || !(y < kWild && y > -kWild)) return {none, none};
  const double most = (double)e.highest + head - y, least = (double)e.lowest + head - y;
  const double size = y < 0 ? -y : y, margin = 1e-5 * (1 + size + (most < 0 ? -most : most));
  return {reach<S>(q, most, margin), both ? reach<S>(q, least, -margin) : none};
}

// Lists the places of a tile's entities between the bounds, except those in `dead` (one bit each, a word per vector). Those certainly above are
// added to `above` if it is not null, and otherwise listed too.
template <int S>
MULDE_INLINE int survivors(const QueryLanes& q, const TileEntities& e, const float* row, int padded, Bounds bound, const uint32_t* dead,
                           int32_t* at, int* above) {
  const vf upper = set1(bound.upper), lower = set1(bound.lower), square = set1(q.square);
  int n = 0;
  for (int j = 0; j < padded; j += W) {
    const vf dot = load(row + j), twice = load(e.twice + j);
    const vf x = S == kDot ? sub(zero(), dot) : fnma(twice, dot, fma(load(e.low + j), square, load(e.low_norm + j)));
    // Not "at or below the bound": NaN counts as between.
    uint32_t m = ~bits(lt(upper, x)) & ~dead[j / W] & kAllLanes;
    if (above && m) {
      const vf z = S == kDot ? x : fnma(twice, dot, fma(load(e.high + j), square, load(e.high_norm + j)));
      const uint32_t sure = m & bits(lt(z, lower));
      *above += __builtin_popcount(sure);
      m ^= sure;
    }
    n += pack_numbers(m, j, at + n);
  }
  return n;
}

// Computes exact scores for a list of places in a tile.
template <int S>
MULDE_INLINE void score_places(const AllPairs& x, const TileEntities& e, const QueryLanes& q, int b, int first, const float* row, float head,
                               int32_t* at, int n, float* scores) {
  const bool all = n > W && at[n - 1] == n - 1;  // Places 0, 1, ..., n - 1 need no gather.
  for (int j = n; j % W; j++) at[j] = at[n - 1];
  for (int j = 0; j < n; j += W) {
    const int32_t* place = at + j;
    const EntityLanes lanes = all ? EntityLanes{load(e.norm + j), load(e.alpha + j)} : EntityLanes{gather(e.norm, place), gather(e.alpha, place)};
    const vf dot = all ? load(row + j) : gather(row, place);
    Score s;
    entity_radius<S>(q, lanes, &s);
    score_lanes<S>(q, lanes, tile_term<S>(x, q, b, first, place, lanes.norm, s.t, dot), &s);
    store(scores + j, add(s.value, add(set1(head), all ? load(e.bias + j) : gather(e.bias, place))));
  }
}

// Turns products into scores with biases, in place.
template <int S>
void score_tile(const AllPairs& x, const QueryBlock& block, const TileEntities& e, Tile& tile) {
  for (int i = 0; i < block.count; i++) {
    const int b = block.first + i;
    const QueryLanes q = x.lanes(b);
    const vf head = set1(x.head_bias ? x.head_bias[b] : 0);
    float* row = tile.value + i * kTileStride;
    for (int j = 0; j < tile.padded; j += W)
      store(row + j, add(tile_score<S>(x, e, q, b, tile.first, j, load(row + j)).value, add(head, load(e.bias + j))));
  }
}

inline void score_tile(int sim, const AllPairs& x, const QueryBlock& block, const TileEntities& e, Tile& tile) {
  switch (sim) {
    case kDot: return score_tile<kDot>(x, block, e, tile);
    case kEuclidean: return score_tile<kEuclidean>(x, block, e, tile);
    case kHyperbolic: return score_tile<kHyperbolic>(x, block, e, tile);
    default: return score_tile<kRelationHyperbolic>(x, block, e, tile);
  }
}

// Calls visit(block, tile, entities) for every tile, in parallel.
template <class F>
void for_each_tile(const AllPairs& x, const F& visit) {
  parallel(x.tiles(), 1, [&](int begin, int end, int) {
    QueryBlock block;
    Tile tile;
    TileEntities entities;
    for (int t = begin; t < end; t++) {
      entities.read(x, t);
      for (int b = 0; b < x.batch; b += kTileQueries) {
        block.load_rows(x.q, x.stride, b, b + kTileQueries < x.batch ? b + kTileQueries : x.batch);
        tile.products(x, block, t);
        visit(block, tile, entities);
      }
    }
  });
}

// Marks the places of a tile that do not count: those after the last entity, in the query's filter, and of its target.
inline void mark_dead(const Tile& tile, const int32_t* filter, int lo, int hi, int target, uint32_t* dead) {
  for (int g = 0; g < tile.padded / W; g++) dead[g] = 0;
  auto mark = [&](int place) { dead[place / W] |= 1u << (place % W); };
  for (int j = tile.count; j < tile.padded; j++) mark(j);
  for (int end = hi; lo < end;) {  // Finds the first filtered id in this tile.
    const int mid = (lo + end) / 2;
    if (filter[mid] < tile.first) lo = mid + 1;
    else end = mid;
  }
  for (; lo < hi && filter[lo] < tile.first + tile.count; lo++) mark(filter[lo] - tile.first);
  if (target >= tile.first && target < tile.first + tile.count) mark(target - tile.first);
}

MULDE_INLINE bool finite(float x) { return x <= 3.4e38f && x >= -3.4e38f; }

}  // namespace MULDE_ISA
}  // namespace mulde
