// Queries against all entities, a tile at a time: an inner-product tile in registers, the elementwise score over it, and a
// reduction (count, maximum, log-sum-exp, gradient) at once, so that nothing of size B x N is ever stored, except by scoreAll,
// whose result it is.
#pragma once
#include "candidates.h"

namespace mulde {
namespace MULDE_ISA {

// A tile is 64 queries x 384 entities with AVX-512, 192 with AVX2, 96 in WebAssembly: its scores stay in the second-level cache, and where
// vectors are short and loads the more, in the first.
constexpr int kTileQueries = 64;
constexpr int kTilePanels = W >= 8 ? 8 : 12;
constexpr int kTileEntities = kTilePanels * kPanel;
// From one query's row to the next: an odd number of lines of the cache, so that a column's values do not fall onto the same ones.
constexpr int kTileStride = kTileEntities + 16;

// In product form |q - p|^2 loses digits when q is near p: pairs closer than this part of |q|^2 + |p|^2 are summed directly.
constexpr float kNear = 0.02f;

// Inner products of R queries (packed [dimension][query]) with one panel; named accumulators, since compilers keep arrays of
// vectors in memory.
#define MULDE_ROWS4(X) X(0) X(1) X(2) X(3)
#define MULDE_ROWS8(X) MULDE_ROWS4(X) X(4) X(5) X(6) X(7)
#if defined(__wasm_simd128__)
#define MULDE_DECLARE(i) vf a##i = zero(), b##i = zero();
#define MULDE_STEP(i) { const vf x = set1(q[i]); a##i = fma(x, pa, a##i); b##i = fma(x, pb, b##i); }
#define MULDE_STORE(i) { store(out + i * ld, a##i); store(out + i * ld + W, b##i); }
#define MULDE_LOAD_PANEL const vf pa = load(p), pb = load(p + W);
#else
#define MULDE_DECLARE(i) vf a##i = zero(), b##i = zero(), c##i = zero();
#define MULDE_STEP(i) { const vf x = set1(q[i]); a##i = fma(x, pa, a##i); b##i = fma(x, pb, b##i); c##i = fma(x, pc, c##i); }
#define MULDE_STORE(i) { store(out + i * ld, a##i); store(out + i * ld + W, b##i); store(out + i * ld + 2 * W, c##i); }
#define MULDE_LOAD_PANEL const vf pa = load(p), pb = load(p + W), pc = load(p + 2 * W);
#endif
#if defined(__AVX512F__) || defined(__ARM_NEON)  // 32 registers
constexpr int kRows = 8;
#define MULDE_ROWS MULDE_ROWS8
#else
constexpr int kRows = 4;
#define MULDE_ROWS MULDE_ROWS4
#endif

inline void product_panel(const float* q, const float* p, int d, float* out, int ld) {
  MULDE_ROWS(MULDE_DECLARE)
  for (int k = 0; k < d; k++, q += kRows, p += kPanel) {
    MULDE_LOAD_PANEL
    MULDE_ROWS(MULDE_STEP)
  }
  MULDE_ROWS(MULDE_STORE)
}

// A block of up to kTileQueries queries, packed [group of kRows][dimension][query].
struct QueryBlock {
  alignas(64) float packed[kTileQueries * kMaxDim];
  int first, count;

  void load_rows(const float* q, int stride, int begin, int end) {
    first = begin;
    count = end - begin;
    for (int g = 0; g < count; g += kRows)
      for (int i = 0; i < kRows; i++) {
        const float* row = q + (size_t)(begin + (g + i < count ? g + i : count - 1)) * stride;
        for (int k = 0; k < stride; k++) packed[(size_t)g * stride + k * kRows + i] = row[k];
      }
  }
};

// All queries and entities of a call.
struct AllPairs : QueryConstants {
  int batch, n, stride;
  const float *q, *head_bias, *points, *packed, *norm, *point_alpha, *bias;

  explicit AllPairs(const Args& a)
      : QueryConstants{a.f32(4), a.f32(5), a.f32(6)}, batch(a.count(1)), n(a.count(8)), stride(row_stride(a.count(2))), q(a.f32(3)),
        head_bias(a.f32(7)), points(a.f32(10)), packed(a.f32(14)), norm(a.f32(11)), point_alpha(a.f32(12)), bias(a.f32(13)) {}

  int tiles() const { return (n + kTileEntities - 1) / kTileEntities; }
};

inline PairShape check_all_pairs(Checker& c) {
  const PairShape x = check_pairs(c);
  c.holds(14, packed_length(x.n, x.stride));
  return x;
}

struct Tile {
  int first, count, padded;  // entities; `padded` fills the last panel
  alignas(64) float value[kTileQueries * kTileStride];

  void products(const AllPairs& x, const QueryBlock& block, int tile) {
    first = tile * kTileEntities;
    count = x.n - first < kTileEntities ? x.n - first : kTileEntities;
    const int panels = (count + kPanel - 1) / kPanel;
    padded = panels * kPanel;
    products(x, block, tile, 0, panels);
  }

  void products(const AllPairs& x, const QueryBlock& block, int tile, int from, int to) {
    for (int j = from; j < to; j++) {
      const float* panel = x.packed + ((size_t)tile * kTilePanels + j) * kPanel * x.stride;
      for (int g = 0; g < block.count; g += kRows)
        product_panel(block.packed + (size_t)g * x.stride, panel, x.stride, value + g * kTileStride + j * kPanel, kTileStride);
    }
  }
};

// Rounding of a product-form distance, relative to |q|^2 + |p|^2, with a margin: what the bounds may be off by.
constexpr float kBoundSlack = 4e-6f;

// Larger values could overflow in a score.
constexpr float kWild = 1e30f;
constexpr uint32_t kAllLanes = (uint32_t)((1ull << W) - 1);

// The per-entity arrays of a tile, filled up behind the last entity so that whole vectors can be read.
struct TileEntities {
  alignas(64) float norm[kTileEntities], alpha[kTileEntities], bias[kTileEntities];
  // for the bounds: 2 alpha; alpha and alpha |p|^2 a little reduced, and a little enlarged; the extreme biases
  alignas(64) float twice[kTileEntities], low[kTileEntities], low_norm[kTileEntities], high[kTileEntities], high_norm[kTileEntities];
  float highest, lowest;
  bool wild;  // something is not finite, or so large that its score may not be

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

// From inner products to what score_lanes takes. For distances: D = |q|^2 + |p|^2 - 2 <q, p>, summed directly for near pairs.
// The lanes' places are entity, entity + 1, ..., or entity + at[0], entity + at[1], ...
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

// Cheap bounds on D alpha_p (kDot: on -<q, p>): with s = -f(D) + bias and f rising, an entity of a tile reaches the score y only at or below
// `upper`, which supposes the largest bias, and surely exceeds it below `lower`, which supposes the least. Only entities between the
// two need their exact score, made from the same products by the same operations as everywhere. Where the bounds say nothing they are
// NaN: all entities are in between.
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

// Places of a tile's entities between the bounds, without those in `dead` (one bit each, a word for each vector); those surely above are
// counted if `above` is there, and else are between too.
template <int S>
MULDE_INLINE int survivors(const QueryLanes& q, const TileEntities& e, const float* row, int padded, Bounds bound, const uint32_t* dead,
                           int32_t* at, int* above) {
  const vf upper = set1(bound.upper), lower = set1(bound.lower), square = set1(q.square);
  int n = 0;
  for (int j = 0; j < padded; j += W) {
    const vf dot = load(row + j), twice = load(e.twice + j);
    const vf x = S == kDot ? sub(zero(), dot) : fnma(twice, dot, fma(load(e.low + j), square, load(e.low_norm + j)));
    // not "above the bound": a NaN is between
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

// Exact scores of places of a tile.
template <int S>
MULDE_INLINE void score_places(const AllPairs& x, const TileEntities& e, const QueryLanes& q, int b, int first, const float* row, float head,
                               int32_t* at, int n, float* scores) {
  const bool all = n > W && at[n - 1] == n - 1;  // the places are 0, 1, ..., n - 1: no need to gather
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

// Products -> scores with biases, in place.
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

// Calls visit(block, tile, entities) for every tile of products, in parallel over the tiles.
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

inline void atomic_add(int32_t* p, int32_t v) { __atomic_fetch_add(p, v, __ATOMIC_RELAXED); }

// Marks places of a tile that do not count: behind the last entity, in the query's filter, its target.
inline void mark_dead(const Tile& tile, const int32_t* filter, int lo, int hi, int target, uint32_t* dead) {
  for (int g = 0; g < tile.padded / W; g++) dead[g] = 0;
  auto mark = [&](int place) { dead[place / W] |= 1u << (place % W); };
  for (int j = tile.count; j < tile.padded; j++) mark(j);
  for (int end = hi; lo < end;) {  // the first filtered id in this tile
    const int mid = (lo + end) / 2;
    if (filter[mid] < tile.first) lo = mid + 1;
    else end = mid;
  }
  for (; lo < hi && filter[lo] < tile.first + tile.count; lo++) mark(filter[lo] - tile.first);
  if (target >= tile.first && target < tile.first + tile.count) mark(target - tile.first);
}

MULDE_INLINE bool finite(float x) { return x <= 3.4e38f && x >= -3.4e38f; }

template <int S>
void rank_of(const Args& a) {
  const AllPairs x(a);
  const int32_t *targets = a.i32(15), *offsets = a.i32(16), *filter = a.i32(17);
  int32_t *greater = a.i32(18), *equal = a.i32(19), *bad = a.i32(20);
  float* target = a.f32(21);
  // The targets' scores first, from the panels that hold them.
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
//      greater (B), equal (B), not finite (B), scratch (B)): entities that score above, and just as, the target, which itself and the
// filtered ones are left out of. All scores come from the same tiles by the same operations, so that ties are exact.
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

// The order of floats as that of unsigned integers, and back.
MULDE_INLINE uint32_t ordered(float f) {
  union { float f; uint32_t u; } v;
  v.f = f;
  return (v.u >> 31) ? ~v.u : v.u | 0x80000000u;
}
MULDE_INLINE float unordered(uint32_t o) {
  union { uint32_t u; float f; } v;
  v.u = (o >> 31) ? o & 0x7fffffffu : ~o;
  return v.f;
}

constexpr float kNothing = -3.4e38f;

// Room for several tiles between two selections, which then cost little.
constexpr int kTopKRoom = 2048;

// A value of n finite ones that at least k and at most `most` of them reach, by halving the range of its bits, each step counting
// vectors. With most = k it is the k-th largest, or lies between that and the next: then `ties` of those equal to it belong to the k.
inline float bar_of(const float* values, int n, int k, int most) {
  vf low = load_part(values, n, values[0]), high = low;
  for (int j = W; j < n; j += W) {
    const vf v = load_part(values + j, n - j, values[0]);
    low = vmin(low, v);
    high = vmax(high, v);
  }
  uint32_t lo = ordered(-lanes_max(sub(zero(), low))), hi = ordered(lanes_max(high));
  while (lo < hi) {
    const uint32_t mid = lo + (hi - lo + 1) / 2;
    const vf bar = set1(unordered(mid));
    int count = 0;
    for (int j = 0; j < n; j += W) count += __builtin_popcount(bits(le(bar, load_part(values + j, n - j, kNothing))));
    if (count >= k && count <= most) return unordered(mid);
    if (count > k) lo = mid;
    else hi = mid - 1;
  }
  return unordered(lo);
}

// A query's best so far: candidates above a bar are appended; when the buffer is full, the best of them stay. Entities come in ascending
// order, so those that tie with the k-th later lose to the ones already there.
struct Best {
  float* scores;
  int32_t* ids;
  int count;
  float bar;

  // Keeps k to `most` of the best, k of them when most = k.
  void keep(int k, int most) {
    const float reach = bar_of(scores, count, k, most);
    const vf threshold = set1(reach);
    int above = 0;
    for (int j = 0; j < count; j += W) above += __builtin_popcount(bits(lt(threshold, load_part(scores + j, count - j, kNothing))));
    // Of those just at the bar only the first are needed, as many as fill up k.
    int ties = k - above, kept = 0;
    for (int j = 0; j < count; j += W) {
      const vf v = load_part(scores + j, count - j, kNothing);
      uint32_t stay = bits(lt(threshold, v));
      for (uint32_t tie = bits(eq(threshold, v)); tie && ties > 0; tie &= tie - 1, ties--) stay |= tie & (0u - tie);
      // Packing never runs ahead of reading: the lanes overwritten behind were read already.
      pack_ids(stay, ids + j, ids + kept);
      kept += pack_lanes(stay, v, scores + kept);
    }
    count = kept;
    bar = reach;
  }
};

// Best-first order of (score, id) as one integer: the higher score, then the lower id.
MULDE_INLINE uint64_t order_key(float score, int32_t id) { return ((uint64_t)ordered(score) << 32) | (uint32_t)~id; }
MULDE_INLINE float key_score(uint64_t key) { return unordered((uint32_t)(key >> 32)); }

inline void sift_down(uint64_t* keys, int i, int n) {
  for (;;) {
    int least = i;
    for (int child = 2 * i + 1; child <= 2 * i + 2 && child < n; child++)
      if (keys[child] < keys[least]) least = child;
    if (least == i) return;
    const uint64_t swap = keys[i];
    keys[i] = keys[least];
    keys[least] = swap;
    i = least;
  }
}

// Descending heap sort: keys are distinct, so the order is one.
inline void sort_descending(uint64_t* keys, int n) {
  for (int i = n / 2 - 1; i >= 0; i--) sift_down(keys, i, n);
  for (int last = n - 1; last > 0; last--) {
    const uint64_t swap = keys[0];
    keys[0] = keys[last];
    keys[last] = swap;
    sift_down(keys, 0, last);
  }
}

// Scores of a few entities, evenly spread, tell roughly where the k-th best will be. The bar put at the `rank`-th best of the sample
// lies below it for nearly every query: 3.5 standard deviations. Where it does not, the query's block is done again without.
constexpr int kSampleRuns = 4;
constexpr int kSamplePanels = 96 / kPanel;
constexpr int kSample = kSampleRuns * kSamplePanels * kPanel;

inline int sample_rank(int k, int n, int tiles) {
  const double expected = (double)kSample * k / n;
  const int rank = (int)(expected + 3.5 * dsqrt(expected) + 2);
  return tiles >= 4 * kSampleRuns && rank < kSample / 2 ? rank : 0;
}

template <int S>
struct TopK {
  const AllPairs x;
  const int k;
  const bool sorted;
  float* buffers;
  const int capacity;
  int32_t* ids;
  float* scores;
  const int row;  // from one query's results to the next

  explicit TopK(const Args& a)
      : x(a), k(a.count(15)), sorted(a.count(16) != 0), buffers(a.f32(17)), capacity(a.count(18)), ids(a.i32(19)), scores(a.f32(20)), row(a.count(21)) {}

  struct Work {
    QueryBlock block;
    Tile tile;
    TileEntities entities;
    Best best[kTileQueries];
    uint32_t dead[kTileEntities / W];
    int32_t at[kTileEntities + 2 * W];
    float exact[kTileEntities + 2 * W];
  };

  float head(int b) const { return x.head_bias ? x.head_bias[b] : 0; }

  // Sets the bars by a sample; the buffers hold its scores meanwhile.
  void guess_bars(Work& w, int rank) const {
    for (int run = 0; run < kSampleRuns; run++) {
      const int t = (int)((2 * run + 1) * (int64_t)(x.tiles() - 1) / (2 * kSampleRuns));
      w.entities.read(x, t);
      w.tile.products(x, w.block, t, 0, kSamplePanels);
      for (int i = 0; i < w.block.count; i++) {
        const int b = w.block.first + i, n = kSamplePanels * kPanel;
        for (int j = 0; j < n; j++) w.at[j] = j;
        score_places<S>(x, w.entities, x.lanes(b), b, t * kTileEntities, w.tile.value + i * kTileStride, head(b), w.at, n,
                        w.best[i].scores + run * n);
      }
    }
    for (int i = 0; i < w.block.count; i++) {
      bool usable = true;
      for (int j = 0; j < kSample; j++) usable &= finite(w.best[i].scores[j]);
      if (usable) w.best[i].bar = bar_of(w.best[i].scores, kSample, rank, rank);
    }
  }

  // All entities above the bars, which rise as the buffers fill.
  void search(Work& w) const {
    for (int t = 0; t < x.tiles(); t++) {
      w.entities.read(x, t);
      w.tile.products(x, w.block, t);
      mark_dead(w.tile, nullptr, 0, 0, -1, w.dead);
      for (int i = 0; i < w.block.count; i++) {
        Best& own = w.best[i];
        const int b = w.block.first + i;
        const QueryLanes q = x.lanes(b);
        const float* row = w.tile.value + i * kTileStride;
        const Bounds bound = bounds<S>(q, w.entities, head(b), own.bar, false);
        const int n = survivors<S>(q, w.entities, row, w.tile.padded, bound, w.dead, w.at, nullptr);
        if (n == 0) continue;
        score_places<S>(x, w.entities, q, b, w.tile.first, row, head(b), w.at, n, w.exact);
        for (int j = 0; j < n; j++) w.at[j] += w.tile.first;
        for (int j = 0; j < n; j += W) {
          const vf v = load(w.exact + j);
          const uint32_t better = bits(lt(set1(own.bar), v)) & (n - j < W ? (1u << (n - j)) - 1 : kAllLanes);
          pack_ids(better, w.at + j, own.ids + own.count);
          own.count += pack_lanes(better, v, own.scores + own.count);
        }
        if (own.count > capacity - kTileEntities - W) own.keep(k, k + k / 4);
      }
    }
  }

  void write(Best& own, int b) const {
    if (own.count > k) own.keep(k, k);
    if (sorted) {
      // The scores fill a quarter of their half of the buffer at most; the keys go behind them.
      uint64_t* keys = (uint64_t*)(own.scores + capacity / 2);
      for (int l = 0; l < own.count; l++) keys[l] = order_key(own.scores[l], own.ids[l]);
      sort_descending(keys, own.count);
      for (int l = 0; l < own.count; l++) {
        own.scores[l] = key_score(keys[l]);
        own.ids[l] = (int32_t)~(uint32_t)keys[l];
      }
    }
    for (int l = 0; l < k; l++) {
      const size_t place = (size_t)b * row + l;
      ids[place] = l < own.count ? own.ids[l] : -1;  // fewer than k only if scores were NaN
      if (scores) scores[place] = l < own.count ? own.scores[l] : __builtin_nanf("");
    }
  }

  void run() const {
    parallel(x.batch, kTileQueries, [&](int begin, int end, int) {
      Work w;
      for (int b0 = begin; b0 < end; b0 += kTileQueries) {
        w.block.load_rows(x.q, x.stride, b0, b0 + kTileQueries < end ? b0 + kTileQueries : end);
        auto empty = [&] {
          for (int i = 0; i < w.block.count; i++) {
            float* buffer = buffers + (size_t)(b0 + i) * 2 * capacity;
            w.best[i] = {buffer, (int32_t*)(buffer + capacity), 0, -__builtin_inff()};
          }
        };
        empty();
        const int rank = sample_rank(k, x.n, x.tiles());
        if (rank > 0) guess_bars(w, rank);
        search(w);
        bool enough = true;
        for (int i = 0; i < w.block.count; i++) enough &= w.best[i].count >= k;
        if (!enough && rank > 0) {
          empty();
          search(w);
        }
        for (int i = 0; i < w.block.count; i++) write(w.best[i], b0 + i);
      }
    });
  }
};

// topK(... as scoreAll up to packed ..., k, sorted, buffer (2 x B x capacity), capacity (at least 4 k and kTopKRoom),
//      ids (B x row), scores (B x row) or null, row): the first k of a row are written; unsorted, ids ascend
inline void check_top_k(Checker& c) {
  const PairShape x = check_all_pairs(c);
  const int64_t k = c.whole(15, 1, x.n), capacity = c.whole(18, 4 * k > kTopKRoom ? 4 * k : kTopKRoom), stride = c.whole(21, k);
  c.holds(17, times(2, x.batch, capacity));
  c.rows(19, x.batch, k, stride);
  c.rows(20, x.batch, k, stride);
}
inline void top_k(Args a) {
#define MULDE_CALL(S) TopK<S>(a).run()
  MULDE_BY_SIMILARITY(a.count(0), MULDE_CALL)
#undef MULDE_CALL
}

// out[i][:] += sum over k of A(i, k) rows[k][:], A(i, k) = a[i si + k sk], for R of the i and V vectors of columns at a time.
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
  // A block of b's rows stays in the first-level cache.
  constexpr int kBlock = 96;
  for (int k = 0; k < count; k += kBlock, a += (size_t)kBlock * sk, b += (size_t)kBlock * stride) {
    const int n = count - k < kBlock ? count - k : kBlock;
    int i = 0;
    for (; i + 4 <= rows; i += 4) accumulate_rows<4>(a + (size_t)i * si, si, sk, n, b, stride, out + (size_t)i * stride);
    for (; i < rows; i++) accumulate_rows<1>(a + (size_t)i * si, si, sk, n, b, stride, out + (size_t)i * stride);
  }
}

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

// The entities' labels are the same small number for all, and more for the few that a query lists.
template <int S, int L>
struct AllLoss {
  const AllPairs x;
  const int32_t *offsets, *labels;
  const float every_label, scale;
  const double rest;  // what a query's own labels count together (kSoftmax) or each (kLogistic)
  double* total;      // a query's log-sum-exp or sum of softplus, in the end its loss
  int32_t* first_labels;
  float *own_label, *references, *dq, *dhead, *dpoints, *radial, *dbias, *by_weight, *partial_q, *kept;
  double *dc, *sums;
  ExpSum* exp_sums;
  const int tiles, pieces;

  explicit AllLoss(const Args& a)
      : x(a), offsets(a.i32(16)), labels(a.i32(17)), every_label((float)(a.num(18) / x.n)), scale((float)a.num(19)), rest(1 - a.num(18)),
        total(a.f64(20)), first_labels(a.i32(26)), own_label(a.f32(27)), references(a.f32(28)), dq(a.f32(21)), dhead(a.f32(23)),
        dpoints(a.f32(24)), radial(a.f32(25)), dbias(a.f32(33)), by_weight(a.f32(29)), partial_q(a.f32(30)), kept(a.f32(32)), dc(a.f64(22)),
        sums(a.f64(31)), exp_sums((ExpSum*)(sums + kQuerySums * kGradientPieces * kTileQueries)), tiles(x.tiles()),
        pieces(tiles < kGradientPieces ? tiles : kGradientPieces) {}

  // f(tile, piece) for every tile, in parallel over the pieces.
  template <class F>
  void for_tiles(const F& f) const {
    parallel(pieces, 1, [&](int begin, int end, int) {
      for (int piece = begin; piece < end; piece++)
        for (int t = (int)((int64_t)tiles * piece / pieces), last = (int)((int64_t)tiles * (piece + 1) / pieces); t < last; t++) f(t, piece);
    });
  }
  Kept<S> kept_row(int tile, int i) const {
    return {kept + ((size_t)tile * Kept<S>::kQueries + i) * Kept<S>::kVectors * kTileEntities};
  }
  float head(int b) const { return x.head_bias ? x.head_bias[b] : 0; }

  // kSoftmax: a label's score is the reference. The sum is 1 at least, and overflows only where an entity scores far above it.
  void forward(const QueryBlock& block) const {
    parallel(pieces, 1, [&](int begin, int end, int) {
      for (int i = begin * block.count; i < end * block.count; i++) exp_sums[i] = {L == kSoftmax ? references[block.first + i % block.count] : 0, 0};
    });
    for_tiles([&](int t, int piece) {
      Tile tile;
      TileEntities entities;
      entities.read(x, t);
      tile.products(x, block, t);
      for (int i = 0; i < block.count; i++) {
        const int b = block.first + i;
        const QueryLanes q = x.lanes(b);
        const vf head_bias = set1(head(b));
        float* row = tile.value + i * kTileStride;
        Kept<S> pairs = kept_row(t, i);
        ExpSum& own = exp_sums[piece * block.count + i];
        const vf top = set1((float)own.top);
        vf sum = zero(), high = set1(-3.4e38f);
        for (int j = 0; j < tile.padded; j += W) {
          const vf dot = load(row + j);
          const Score s = tile_score<S>(x, entities, q, b, tile.first, j, dot);
          pairs.put(j, s, dot);
          vf score = add(s.value, add(head_bias, load(entities.bias + j)));
          if (j + W > tile.count) score = load_part_of(score, tile.count - j);
          if (L == kLogistic) {
            vf softplus, sigmoid;
            softplus_sigmoid(score, &softplus, &sigmoid);
            sum = add(sum, softplus);
            continue;
          }
          store(row + j, score);
          high = vmax(high, score);
          sum = add(sum, vexp(sub(score, top)));
        }
        const float highest = lanes_max(high);
        if (L == kSoftmax && __builtin_expect(highest > (float)own.top + kFarAbove, 0)) {
          sum = zero();
          for (int j = 0; j < tile.padded; j += W) sum = add(sum, vexp(sub(load(row + j), set1(highest))));
          own = {highest, own.sum * dexp(own.top - highest)};
        }
        own.sum += lanes_sum(sum);
      }
    });
    for (int i = 0; i < block.count; i++) {
      ExpSum all = exp_sums[i];
      for (int piece = 1; piece < pieces; piece++) {
        const ExpSum& own = exp_sums[piece * block.count + i];
        if (own.top == all.top) all.sum += own.sum;
        else if (own.top < all.top) all.sum += own.sum * dexp(own.top - all.top);
        else all = {own.top, own.sum + all.sum * dexp(all.top - own.top)};
      }
      total[block.first + i] = L == kSoftmax ? all.top + dlog(all.sum) : all.sum;
    }
  }

  // Scores behind the last entity vanish.
  static vf load_part_of(vf score, int count) {
    float lane[W];
    store(lane, score);
    return load_part(lane, count < 0 ? 0 : count, -3.4e38f);
  }

  // dL/ds = scale (p - label), p the softmax or the sigmoid of the scores
  void backward(const QueryBlock& block) const {
    const double log_scale = dlog(scale);
    const size_t size = (size_t)Kept<S>::kQueries * x.stride;
    parallel(pieces, 1, [&](int begin, int end, int) {
      for (size_t i = begin * size; i < end * size; i++) partial_q[i] = 0;
      for (int i = begin * kQuerySums * kTileQueries; i < end * kQuerySums * kTileQueries; i++) sums[i] = 0;
    });
    for_tiles([&](int t, int piece) {
      Tile tile;
      TileEntities entities;
      entities.read(x, t);
      const int first = tile.first = t * kTileEntities, count = tile.count = x.n - first < kTileEntities ? x.n - first : kTileEntities;
      tile.padded = (count + W - 1) / W * W;
      float* gp = dpoints + (size_t)first * x.stride;
      alignas(64) float weights[kTileEntities], radii[kTileEntities], biases[kTileEntities];
      const bool fresh = block.first == 0, done = block.first + block.count == x.batch;
      for (int j = 0; j < kTileEntities; j++) {
        const bool known = !fresh && j < count;
        weights[j] = known ? by_weight[first + j] : 0;
        radii[j] = known ? radial[first + j] : 0;
        biases[j] = known ? dbias[first + j] : 0;
      }
      if (fresh) for (size_t i = 0; i < (size_t)count * x.stride; i++) gp[i] = 0;
      alignas(64) float weight_q[S == kRelationHyperbolic ? kTileQueries * kTileStride : 1];
      for (int i = 0; i < block.count; i++) {
        const int b = block.first + i;
        const QueryLanes q = x.lanes(b);
        const vf shift = set1((float)(L == kSoftmax ? head(b) - total[b] + log_scale : head(b)));
        const vf scaled_label = set1(scale * every_label);
        const Kept<S> pairs = kept_row(t, i);
        float* row = tile.value + i * kTileStride;
        const int32_t *label = labels + first_label(b, first), *end_of_labels = labels + offsets[b + 1];
        double label_scores = 0;
        vf s_weight = zero(), s_radial = zero(), s_c = zero(), s_head = zero(), s_scores = zero();
        for (int j = 0; j < tile.padded; j += W) {
          const EntityLanes e = {load(entities.norm + j), load(entities.alpha + j)};
          Score s;
          const vf dot = pairs.get(q, j, &s);
          const vf shifted = add(s.value, add(load(entities.bias + j), shift));
          vf g;
          if (L == kSoftmax) {
            g = vexp(shifted);
          } else {
            vf softplus;
            softplus_sigmoid(shifted, &softplus, &g);
            g = mul(g, set1(scale));
          }
          if (every_label != 0) {
            g = sub(g, scaled_label);
            s_scores = add(s_scores, first_lanes(shifted, count - j));
          }
          const bool labelled = label < end_of_labels && *label - first < j + W;
          if (labelled || j + W > count) {
            float lane[W], score[W];
            store(lane, g);
            store(score, shifted);
            for (; label < end_of_labels && *label - first < j + W; label++) {
              lane[*label - first - j] -= scale * own_label[b];
              label_scores += score[*label - first - j];
            }
            for (int l = 0; l < W; l++) if (j + l >= count) lane[l] = 0;
            g = load(lane);
          }
          if (L == kLogistic) s_head = add(s_head, g);
          const PairGradient p = pair_gradient<S>(q, e, s, g, S == kRelationHyperbolic ? sub(dot, s.t) : zero());
          store(biases + j, add(load(biases + j), g));
          if (S != kDot) {
            s_weight = add(s_weight, p.weight);
            store(weights + j, add(load(weights + j), p.weight_p));
          }
          if (S >= kHyperbolic) {
            s_radial = add(s_radial, p.q_radial);
            s_c = add(s_c, p.by_c);
            store(radii + j, add(load(radii + j), p.p_radial));
          }
          store(row + j, p.weight_p);
          if (S == kRelationHyperbolic) store(weight_q + i * kTileStride + j, mul(p.weight, s.t));
        }
        double* own = sums + (size_t)(piece * kTileQueries + i) * kQuerySums;
        own[0] += lanes_sum(s_weight);
        own[1] += lanes_sum(s_radial);
        own[2] += lanes_sum(s_c);
        own[3] += label_scores;
        if (every_label != 0) own[4] += lanes_sum(s_scores);
        if (L == kLogistic) own[5] += lanes_sum(s_head);
      }
      // sum of weight p, and of weight q; signs and the q and p terms are put in at the end
      accumulate(S == kRelationHyperbolic ? weight_q : tile.value, kTileStride, 1, block.count, count, x.points + (size_t)first * x.stride,
                 x.stride, partial_q + piece * size);
      accumulate(tile.value, 1, kTileStride, count, block.count, x.q + (size_t)block.first * x.stride, x.stride, gp);
      for (int j = 0; j < count; j++) {
        by_weight[first + j] = weights[j];
        radial[first + j] = radii[j];
        dbias[first + j] = biases[j];
        if (!done || S == kDot) continue;
        radial[first + j] *= p_radial_factor<S>(x.point_alpha[first + j]);
        float* g = gp + (size_t)j * x.stride;
        const float* p = x.points + (size_t)(first + j) * x.stride;
        for (int k = 0; k < x.stride; k++) g[k] = weights[j] * p[k] - g[k];
      }
    });
    parallel(block.count, 8, [&](int begin, int end, int) {
      for (int i = begin; i < end; i++) {
        const int b = block.first + i;
        double weight = 0, by_radius = 0, by_c = 0, label_scores = 0, scores = 0, by_head = 0;
        float* out = dq + (size_t)b * x.stride;
        for (int k = 0; k < x.stride; k++) out[k] = 0;
        for (int piece = 0; piece < pieces; piece++) {
          const double* own = sums + (size_t)(piece * kTileQueries + i) * kQuerySums;
          const float* gq = partial_q + piece * size + (size_t)i * x.stride;
          weight += own[0];
          by_radius += own[1];
          by_c += own[2];
          label_scores += own[3];
          scores += own[4];
          by_head += own[5];
          for (int k = 0; k < x.stride; k++) out[k] += gq[k];
        }
        const QueryLanes q = x.lanes(b);
        const float f = (float)(weight + q_radial_factor(q) * by_radius);
        if (S != kDot) for (int k = 0; k < x.stride; k++) out[k] = f * x.q[(size_t)b * x.stride + k] - out[k];
        if (S >= kHyperbolic) dc[b] += by_c_factor(q) * by_c;
        // The scores were shifted by what the gradient needs, the same for all of a query's.
        if (L == kSoftmax) {
          const int count = offsets[b + 1] - offsets[b];
          const double shift = (float)(head(b) - total[b] + log_scale) - (double)head(b);
          label_scores -= shift * count;
          scores -= shift * x.n;
        }
        total[b] -= own_label[b] * label_scores + every_label * scores;
        dhead[b] = (float)by_head;
      }
    });
  }

  // The first of a query's labels that is not below an entity.
  int first_label(int b, int entity) const {
    int low = offsets[b], high = offsets[b + 1];
    while (low < high) {
      const int middle = (low + high) / 2;
      if (labels[middle] < entity) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // What a query's labels count, and a label's score (kSoftmax only).
  void prepare(const Args& a) const {
    for (int b = 0; b < x.batch; b++) {
      const int count = offsets[b + 1] - offsets[b];
      first_labels[b] = labels[offsets[b]];
      own_label[b] = (float)(rest / (L == kSoftmax ? count : 1));
    }
    if (L == kSoftmax) candidates_forward<S>(Candidates(a, first_labels, 1), references);
  }

  void run(const Args& a) const {
    prepare(a);
    QueryBlock block;
    for (int b = 0; b < x.batch; b += Kept<S>::kQueries) {
      block.load_rows(x.q, x.stride, b, b + Kept<S>::kQueries < x.batch ? b + Kept<S>::kQueries : x.batch);
      forward(block);
      backward(block);
    }
  }
};

// allLoss(... as scoreAll up to packed ..., loss (0 softmax, 1 logistic), label offsets (B + 1), labels (ascending for each query),
//         smoothing, scale, losses (B, float64, written), dq (B x stride), dc (B, float64, added to), dHead (B), dPoints (N x stride),
//         radial (N), scratch: first labels (B, int32), own labels (B), references (B), by weight (N),
//         partial (kGradientPieces x kTileQueries x stride), sums ((kQuerySums + 2) x kGradientPieces x kTileQueries, float64),
//         kept (kKeptFloats x N rounded up to whole tiles); dBias (N))
// With y_e = smoothing / N, and for a label (1 - smoothing) more, which a softmax divides by the number of a query's labels: the softmax
// cross-entropy log sum exp(s) - sum y_e s_e, or the binary one, sum softplus(s_e) - y_e s_e. Gradients are of scale times the sum over
// the batch; a softmax does not see the head's bias.
constexpr int kKeptFloats = Kept<kRelationHyperbolic>::kQueries * Kept<kRelationHyperbolic>::kVectors;

inline void check_all_loss(Checker& c) {
  const PairShape x = check_all_pairs(c);
  c.whole(15, kSoftmax, kLogistic);
  c.offsets(16, x.batch, c.length(17), true);
  c.runs(17, 16, x.batch, x.n);
  c.holds(20, x.batch);
  c.holds(21, times(x.batch, x.stride));
  c.holds(22, x.batch);
  c.holds(23, x.batch);
  c.holds(24, times(x.n, x.stride));
  c.holds(25, x.n);
  c.all_hold(26, 28, x.batch);
  c.holds(29, x.n);
  c.holds(30, times(kGradientPieces, kTileQueries, x.stride));
  c.holds(31, (kQuerySums + 2) * kGradientPieces * kTileQueries);
  c.holds(32, times(kKeptFloats, (x.n + kTileEntities - 1) / kTileEntities * kTileEntities));
  c.holds(33, x.n);
}
inline void all_loss(Args a) {
#define MULDE_CALL(S) a.count(15) == kSoftmax ? AllLoss<S, kSoftmax>(a).run(a) : AllLoss<S, kLogistic>(a).run(a)
  MULDE_BY_SIMILARITY(a.count(0), MULDE_CALL)
#undef MULDE_CALL
}

}  // namespace MULDE_ISA
}  // namespace mulde
