// Queries against all entities, a tile at a time: an inner-product tile in registers, the elementwise score over it, and a
// reduction (count, maximum, log-sum-exp, gradient) at once, so that nothing of size B x N is ever stored, except by scoreAll,
// whose result it is.
#pragma once
#include "candidates.h"

namespace mulde {
namespace MULDE_ISA {

// A tile is 64 queries x 8 panels (384 entities with AVX-512, 192 with AVX2 and in WebAssembly): scores of a tile stay in the second-level cache.
constexpr int kTileQueries = 64;
constexpr int kTilePanels = W >= 8 ? 8 : 24;
constexpr int kTileEntities = kTilePanels * kPanel;

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
struct AllPairs {
  int batch, n, stride;
  const float *q, *square, *alpha, *c, *head_bias, *points, *packed, *norm, *point_alpha, *bias;

  explicit AllPairs(const Args& a)
      : batch(a.count(1)), n(a.count(2)), stride(a.count(3)), q(a.f32(4)), square(a.f32(5)), alpha(a.f32(6)), c(a.f32(7)),
        head_bias(a.f32(8)), points(a.f32(9)), packed(a.f32(10)), norm(a.f32(11)), point_alpha(a.f32(12)), bias(a.f32(13)) {}

  QueryLanes lanes(int b) const {
    const float cb = c ? c[b] : 1;
    return {square[b], alpha[b], cb, (float)dsqrt(cb)};
  }
  int tiles() const { return (n + kTileEntities - 1) / kTileEntities; }
};

struct Tile {
  int first, count, padded;  // entities; `padded` fills the last panel
  alignas(64) float value[kTileQueries * kTileEntities];

  void products(const AllPairs& x, const QueryBlock& block, int tile) {
    first = tile * kTileEntities;
    count = x.n - first < kTileEntities ? x.n - first : kTileEntities;
    const int panels = (count + kPanel - 1) / kPanel;
    padded = panels * kPanel;
    for (int j = 0; j < panels; j++) {
      const float* panel = x.packed + ((size_t)tile * kTilePanels + j) * kPanel * x.stride;
      for (int g = 0; g < block.count; g += kRows)
        product_panel(block.packed + (size_t)g * x.stride, panel, x.stride, value + g * kTileEntities + j * kPanel, kTileEntities);
    }
  }
};

// The per-entity arrays of a tile, filled up behind the last entity so that whole vectors can be read.
struct TileEntities {
  alignas(64) float norm[kTileEntities], alpha[kTileEntities], bias[kTileEntities];

  void read(const AllPairs& x, int tile) {
    const int first = tile * kTileEntities;
    for (int j = 0; j < kTileEntities; j++) {
      const int e = first + j < x.n ? first + j : x.n - 1;
      norm[j] = x.norm[e];
      alpha[j] = x.point_alpha[e];
      bias[j] = x.bias[e];
    }
  }
};

// From inner products to what score_lanes takes. For distances: D = |q|^2 + |p|^2 - 2 <q, p>, summed directly for near pairs.
template <int S>
MULDE_INLINE vf tile_term(const AllPairs& x, const QueryLanes& q, int b, int entity, vf norm, vf t, vf dot) {
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
    const int i = __builtin_ctz(near);
    float along;
    if (entity + i < x.n)
      lane[i] = pair_term<S>(x.q + (size_t)b * x.stride, x.points + (size_t)(entity + i) * x.stride, x.stride,
                             S == kRelationHyperbolic ? radius[i] : 1, &along);
  }
  return load(lane);
}

template <int S>
MULDE_INLINE Score tile_score(const AllPairs& x, const TileEntities& e, const QueryLanes& q, int b, int first, int j, vf dot) {
  const EntityLanes lanes = {load(e.norm + j), load(e.alpha + j)};
  Score s;
  entity_radius<S>(q, lanes, &s);
  score_lanes<S>(q, lanes, tile_term<S>(x, q, b, first + j, lanes.norm, s.t, dot), &s);
  return s;
}

// Products -> scores with biases, in place.
template <int S>
void score_tile(const AllPairs& x, const QueryBlock& block, const TileEntities& e, Tile& tile) {
  for (int i = 0; i < block.count; i++) {
    const int b = block.first + i;
    const QueryLanes q = x.lanes(b);
    const vf head = set1(x.head_bias ? x.head_bias[b] : 0);
    float* row = tile.value + i * kTileEntities;
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

// Calls visit(block, tile) for every tile of scores, in parallel over pieces of the entities; visit gets the piece too.
template <class F>
int for_each_tile(int sim, const AllPairs& x, const F& visit) {
  return parallel(x.tiles(), 1, [&](int begin, int end, int chunk) {
    QueryBlock block;
    Tile tile;
    TileEntities entities;
    for (int b = 0; b < x.batch; b += kTileQueries) {
      block.load_rows(x.q, x.stride, b, b + kTileQueries < x.batch ? b + kTileQueries : x.batch);
      for (int t = begin; t < end; t++) {
        entities.read(x, t);
        tile.products(x, block, t);
        score_tile(sim, x, block, entities, tile);
        visit(block, tile, chunk);
      }
    }
  });
}

// scoreAll(similarity, batch, N, stride, q, square, alpha, c, head bias, points, packed, norm, alpha, bias, scores (B x N))
inline void score_all(Args a) {
  const AllPairs x(a);
  float* scores = a.f32(14);
  for_each_tile(a.count(0), x, [&](const QueryBlock& block, const Tile& tile, int) {
    for (int i = 0; i < block.count; i++) {
      float* out = scores + (size_t)(block.first + i) * x.n + tile.first;
      const float* row = tile.value + i * kTileEntities;
      for (int j = 0; j < tile.count; j++) out[j] = row[j];
    }
  });
}

inline void atomic_add(int32_t* p, int32_t v) { __atomic_fetch_add(p, v, __ATOMIC_RELAXED); }

// rank(... as scoreAll up to bias ..., targets (B), filter offsets (B + 1), filter ids (ascending within a query),
//      greater (B), equal (B), not finite (B)): entities that score above, and just as, the target, which itself and the filtered
// ones are left out of. The target's score is taken from the same tiles as its rivals', so that ties are exact.
inline void rank(Args a) {
  const AllPairs x(a);
  const int32_t *targets = a.i32(14), *offsets = a.i32(15), *filter = a.i32(16);
  int32_t *greater = a.i32(17), *equal = a.i32(18), *bad = a.i32(19);
  float* target = a.f32(20);  // scratch (B)
  const int sim = a.count(0);
  // First the tiles that hold targets, then all of them.
  parallel(x.batch, 8, [&](int begin, int end, int) {
    QueryBlock block;
    Tile tile;
    TileEntities entities;
    for (int b = begin; b < end; b++) {
      greater[b] = equal[b] = bad[b] = 0;
      const int t = targets[b] / kTileEntities;
      block.load_rows(x.q, x.stride, b, b + 1);
      entities.read(x, t);
      tile.products(x, block, t);
      score_tile(sim, x, block, entities, tile);
      target[b] = tile.value[targets[b] - tile.first];
    }
  });
  for_each_tile(sim, x, [&](const QueryBlock& block, Tile& tile, int) {
    for (int i = 0; i < block.count; i++) {
      const int b = block.first + i;
      float* row = tile.value + i * kTileEntities;
      const float lowest = -__builtin_inff();
      for (int j = tile.count; j < tile.padded; j++) row[j] = lowest;
      int lo = offsets[b], hi = offsets[b + 1], skipped = tile.padded - tile.count;
      for (int end = hi; lo < end;) {  // the first filtered id in this tile
        const int mid = (lo + end) / 2;
        if (filter[mid] < tile.first) lo = mid + 1;
        else end = mid;
      }
      for (; lo < hi && filter[lo] < tile.first + tile.count; lo++, skipped++) row[filter[lo] - tile.first] = lowest;
      if (targets[b] >= tile.first && targets[b] < tile.first + tile.count) {
        row[targets[b] - tile.first] = lowest;
        skipped++;
      }
      const vf y = set1(target[b]), limit = set1(3.4e38f), floor = set1(-3.4e38f);
      int above = 0, same = 0, finite = 0;
      for (int j = 0; j < tile.padded; j += W) {
        const vf v = load(row + j);
        above += __builtin_popcount(bits(lt(y, v)));
        same += __builtin_popcount(bits(eq(y, v)));
        finite += __builtin_popcount(bits(le(v, limit)) & bits(le(floor, v)));
      }
      if (above) atomic_add(greater + b, above);
      if (same) atomic_add(equal + b, same);
      if (finite + skipped < tile.padded) atomic_add(bad + b, tile.padded - finite - skipped);
    }
  });
  for (int b = 0; b < x.batch; b++)
    if (!(target[b] <= 3.4e38f && target[b] >= -3.4e38f)) bad[b]++;
}

// Best-first order of (score, id) as integers: the higher score, then the lower id. A NaN comes last.
MULDE_INLINE uint64_t order_key(float score, int32_t id) {
  union { float f; uint32_t u; } v;
  v.f = score;
  if (score != score) v.u = 0xffffffffu;
  const uint32_t ordered = (v.u >> 31) ? ~v.u : v.u | 0x80000000u;
  return ((uint64_t)ordered << 32) | (uint32_t)~id;
}
MULDE_INLINE float key_score(uint64_t key) {
  const uint32_t o = (uint32_t)(key >> 32);
  union { uint32_t u; float f; } v;
  v.u = (o >> 31) ? o & 0x7fffffffu : ~o;
  return v.f;
}

// Moves the k largest of keys to the front, in no particular order.
inline void select_largest(uint64_t* keys, int n, int k) {
  int lo = 0, hi = n - 1;
  while (lo < hi) {
    const uint64_t a = keys[lo], b = keys[(lo + hi) / 2], c = keys[hi];
    const uint64_t pivot = a > b ? (b > c ? b : a > c ? c : a) : (a > c ? a : b > c ? c : b);
    int i = lo, j = hi;
    while (i <= j) {
      while (keys[i] > pivot) i++;
      while (keys[j] < pivot) j--;
      if (i <= j) {
        const uint64_t swap = keys[i];
        keys[i++] = keys[j];
        keys[j--] = swap;
      }
    }
    if (k - 1 <= j) hi = j;
    else if (k - 1 >= i) lo = i;
    else return;
  }
}

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

// topK(... as scoreAll up to bias ..., k, sorted, buffer (B x capacity, 8 bytes each), capacity, ids (B x k), scores (B x k) or null)
// Each query keeps a buffer of keys above its threshold; when the buffer is full, the k best stay and the k-th is the new threshold.
inline void top_k(Args a) {
  const AllPairs x(a);
  const int sim = a.count(0), k = a.count(14), capacity = a.count(17);
  const bool sorted = a.count(15) != 0;
  uint64_t* buffers = (uint64_t*)a.f64(16);
  int32_t* ids = a.i32(18);
  float* scores = a.f32(19);
  parallel(x.batch, kTileQueries, [&](int begin, int end, int) {
    QueryBlock block;
    Tile tile;
    TileEntities entities;
    int filled[kTileQueries];
    float threshold[kTileQueries];
    for (int b = begin; b < end; b += kTileQueries) {
      block.load_rows(x.q, x.stride, b, b + kTileQueries < end ? b + kTileQueries : end);
      for (int i = 0; i < block.count; i++) {
        filled[i] = 0;
        threshold[i] = -__builtin_inff();
      }
      for (int t = 0; t < x.tiles(); t++) {
        entities.read(x, t);
        tile.products(x, block, t);
        score_tile(sim, x, block, entities, tile);
        for (int i = 0; i < block.count; i++) {
          uint64_t* keys = buffers + (size_t)(block.first + i) * capacity;
          const float* row = tile.value + i * kTileEntities;
          for (int j = 0; j < tile.padded; j += W) {
            uint32_t m = bits(le(set1(threshold[i]), load(row + j)));
            if (j + W > tile.count) m &= tile.count > j ? (1u << (tile.count - j)) - 1 : 0;
            for (; m; m &= m - 1) {
              const int l = j + __builtin_ctz(m);
              keys[filled[i]++] = order_key(row[l], tile.first + l);
            }
            if (filled[i] > capacity - W) {
              select_largest(keys, filled[i], k);
              filled[i] = k;
              uint64_t least = keys[0];
              for (int l = 1; l < k; l++) least = keys[l] < least ? keys[l] : least;
              threshold[i] = key_score(least);
            }
          }
        }
      }
      for (int i = 0; i < block.count; i++) {
        uint64_t* keys = buffers + (size_t)(block.first + i) * capacity;
        if (filled[i] > k) select_largest(keys, filled[i], k);
        if (sorted) sort_descending(keys, filled[i] < k ? filled[i] : k);
        for (int l = 0; l < k; l++) {
          const size_t at = (size_t)(block.first + i) * k + l;
          ids[at] = l < filled[i] ? (int32_t)~(uint32_t)keys[l] : -1;  // fewer than k only if scores were NaN
          if (scores) scores[at] = l < filled[i] ? key_score(keys[l]) : __builtin_nanf("");
        }
      }
    }
  });
}

// out[i][:] += sum over k of A(i, k) rows[k][:], A(i, k) = a[i si + k sk], for four i at a time and two vectors of columns.
inline void accumulate(const float* a, int si, int sk, int rows, int count, const float* b, int stride, float* out) {
  int i = 0;
  for (; i + 4 <= rows; i += 4)
    for (int col = 0; col < stride; col += 2 * W) {
      const bool two = col + W < stride;
      const float* x = a + (size_t)i * si;
      float* o = out + (size_t)i * stride + col;
      const int second = two ? W : 0;
      vf s00 = load(o), s10 = load(o + stride), s20 = load(o + 2 * stride), s30 = load(o + 3 * stride);
      vf s01 = load(o + second), s11 = load(o + stride + second), s21 = load(o + 2 * stride + second), s31 = load(o + 3 * stride + second);
      const float* row = b + col;
      for (int k = 0; k < count; k++, x += sk, row += stride) {
        const vf y0 = load(row), y1 = load(row + second);
        const vf w0 = set1(x[0]), w1 = set1(x[si]), w2 = set1(x[2 * si]), w3 = set1(x[3 * si]);
        s00 = fma(w0, y0, s00);
        s01 = fma(w0, y1, s01);
        s10 = fma(w1, y0, s10);
        s11 = fma(w1, y1, s11);
        s20 = fma(w2, y0, s20);
        s21 = fma(w2, y1, s21);
        s30 = fma(w3, y0, s30);
        s31 = fma(w3, y1, s31);
      }
      if (two) {
        store(o + W, s01);
        store(o + stride + W, s11);
        store(o + 2 * stride + W, s21);
        store(o + 3 * stride + W, s31);
      }
      store(o, s00);
      store(o + stride, s10);
      store(o + 2 * stride, s20);
      store(o + 3 * stride, s30);
    }
  for (; i < rows; i++)
    for (int col = 0; col < stride; col += W) {
      vf s = load(out + (size_t)i * stride + col);
      for (int k = 0; k < count; k++) s = fma(set1(a[(size_t)i * si + (size_t)k * sk]), load(b + (size_t)k * stride + col), s);
      store(out + (size_t)i * stride + col, s);
    }
}

// crossEntropy pieces: gradients by the queries are kept by piece of the entities and added up in order. More pieces would cost
// memory (each B x stride) without need.
constexpr int kGradientPieces = 16;

// allLogSumExp(... as scoreAll up to bias ..., lse (B, float64), scratch (2 x kGradientPieces x B, float64))
inline void all_log_sum_exp(Args a) {
  const AllPairs x(a);
  double *lse = a.f64(14), *scratch = a.f64(15);
  const int sim = a.count(0), tiles = x.tiles(), pieces = tiles < kGradientPieces ? tiles : kGradientPieces;
  parallel(pieces, 1, [&](int begin, int end, int) {
    QueryBlock block;
    Tile tile;
    TileEntities entities;
    for (int piece = begin; piece < end; piece++)
      for (int b = 0; b < x.batch; b += kTileQueries) {
        block.load_rows(x.q, x.stride, b, b + kTileQueries < x.batch ? b + kTileQueries : x.batch);
        float top[kTileQueries];
        double sum[kTileQueries];
        for (int i = 0; i < block.count; i++) {
          top[i] = -3.4e38f;
          sum[i] = 0;
        }
        for (int t = (int)((int64_t)tiles * piece / pieces); t < (int)((int64_t)tiles * (piece + 1) / pieces); t++) {
          entities.read(x, t);
          tile.products(x, block, t);
          score_tile(sim, x, block, entities, tile);
          for (int i = 0; i < block.count; i++) {
            float* row = tile.value + i * kTileEntities;
            for (int j = tile.count; j < tile.padded; j++) row[j] = -3.4e38f;
            vf m = set1(top[i]);
            for (int j = 0; j < tile.padded; j += W) m = vmax(m, load(row + j));
            float lane[W];
            store(lane, m);
            float high = lane[0];
            for (int l = 1; l < W; l++) high = lane[l] > high ? lane[l] : high;
            vf s = zero();
            for (int j = 0; j < tile.padded; j += W) s = add(s, vexp(sub(load(row + j), set1(high))));
            Sum64 part;
            part.add(s);
            sum[i] = sum[i] * dexp((double)top[i] - high) + part.value;
            top[i] = high;
          }
        }
        for (int i = 0; i < block.count; i++) {
          double* at = scratch + 2 * ((size_t)piece * x.batch + b + i);
          at[0] = top[i];
          at[1] = sum[i];
        }
      }
  });
  for (int b = 0; b < x.batch; b++) {
    double top = -1e300, sum = 0;
    for (int piece = 0; piece < pieces; piece++) {
      const double m = scratch[2 * ((size_t)piece * x.batch + b)];
      top = m > top ? m : top;
    }
    for (int piece = 0; piece < pieces; piece++) {
      const double* at = scratch + 2 * ((size_t)piece * x.batch + b);
      sum += at[1] * dexp(at[0] - top);
    }
    lse[b] = top + dlog(sum);
  }
}

// allBackward(... as scoreAll up to bias ..., lse (B, float64), targets (B), scale,
//             dq (B x stride), dc (B, float64, added to), dHeadBias (B), dPoints (N x stride), radial (N), dBias (N),
//             scratch (kGradientPieces x B x stride), scratch (3 x kGradientPieces x B, float64))
// Softmax cross-entropy: dL/ds = scale (softmax(s) - one-hot(target)).
template <int S>
void all_backward_of(const Args& a) {
  const AllPairs x(a);
  const double* lse = a.f64(14);
  const int32_t* targets = a.i32(15);
  const float scale = (float)a.num(16);
  float *dq = a.f32(17), *dhead = a.f32(19), *dpoints = a.f32(20), *radial = a.f32(21), *dbias = a.f32(22), *partial_q = a.f32(23);
  double *dc = a.f64(18), *sums = a.f64(24);
  const int tiles = x.tiles(), pieces = tiles < kGradientPieces ? tiles : kGradientPieces;
  const size_t row_size = (size_t)x.batch * x.stride;
  parallel(pieces, 1, [&](int begin, int end, int) {
    QueryBlock block;
    Tile tile;
    TileEntities entities;
    alignas(64) float by_weight[kTileEntities], by_radius[kTileEntities], by_bias[kTileEntities];
    for (int piece = begin; piece < end; piece++) {
      float* gq = partial_q + piece * row_size;
      double* gs = sums + (size_t)piece * 3 * x.batch;
      for (size_t i = 0; i < row_size; i++) gq[i] = 0;
      for (int i = 0; i < 3 * x.batch; i++) gs[i] = 0;
      for (int t = (int)((int64_t)tiles * piece / pieces); t < (int)((int64_t)tiles * (piece + 1) / pieces); t++) {
        entities.read(x, t);
        for (int j = 0; j < kTileEntities; j++) by_weight[j] = by_radius[j] = by_bias[j] = 0;
        const int first = t * kTileEntities, count = x.n - first < kTileEntities ? x.n - first : kTileEntities;
        float* gp = dpoints + (size_t)first * x.stride;
        for (size_t i = 0; i < (size_t)count * x.stride; i++) gp[i] = 0;
        for (int b0 = 0; b0 < x.batch; b0 += kTileQueries) {
          block.load_rows(x.q, x.stride, b0, b0 + kTileQueries < x.batch ? b0 + kTileQueries : x.batch);
          tile.products(x, block, t);
          alignas(64) float weight_q[S == kRelationHyperbolic ? kTileQueries * kTileEntities : 1];
          for (int i = 0; i < block.count; i++) {
            const int b = b0 + i;
            const QueryLanes q = x.lanes(b);
            const vf head = set1(x.head_bias ? x.head_bias[b] : 0), shift = set1((float)-lse[b]);
            float* row = tile.value + i * kTileEntities;
            const int target = targets[b] - first;
            Sum64 sum_weight, sum_radial, sum_c;
            vf s_weight = zero(), s_radial = zero(), s_c = zero();
            for (int j = 0; j < tile.padded; j += W) {
              const vf dot = load(row + j);
              const EntityLanes e = {load(entities.norm + j), load(entities.alpha + j)};
              const Score s = tile_score<S>(x, entities, q, b, first, j, dot);
              vf g = vexp(add(add(s.value, add(head, load(entities.bias + j))), shift));
              if ((target >= j && target < j + W) || j + W > count) {
                float lane[W];
                store(lane, g);
                if (target >= j && target < j + W) lane[target - j] -= 1;
                for (int l = 0; l < W; l++) if (j + l >= count) lane[l] = 0;
                g = load(lane);
              }
              g = mul(g, set1(scale));
              const vf along = S == kRelationHyperbolic ? sub(dot, s.t) : zero();
              const PairGradient p = pair_gradient<S>(q, e, s, g, along);
              store(by_bias + j, add(load(by_bias + j), g));
              if (S != kDot) {
                s_weight = add(s_weight, p.weight);
                store(by_weight + j, add(load(by_weight + j), p.weight_p));
              }
              if (S >= kHyperbolic) {
                s_radial = add(s_radial, p.q_radial);
                s_c = add(s_c, p.by_c);
                store(by_radius + j, add(load(by_radius + j), p.p_radial));
              }
              store(row + j, p.weight_p);
              if (S == kRelationHyperbolic) store(weight_q + i * kTileEntities + j, mul(p.weight, s.t));
            }
            sum_weight.add(s_weight);
            sum_radial.add(s_radial);
            sum_c.add(s_c);
            gs[b] += sum_weight.value;
            gs[x.batch + b] += sum_radial.value;
            gs[2 * x.batch + b] += sum_c.value;
          }
          // sum of weight p, and of weight q; signs and the q and p terms are put in below
          accumulate(S == kRelationHyperbolic ? weight_q : tile.value, kTileEntities, 1, block.count, count,
                     x.points + (size_t)first * x.stride, x.stride, gq + (size_t)b0 * x.stride);
          accumulate(tile.value, 1, kTileEntities, count, block.count, x.q + (size_t)b0 * x.stride, x.stride, gp);
        }
        for (int j = 0; j < count; j++) {
          float* g = gp + (size_t)j * x.stride;
          const float* p = x.points + (size_t)(first + j) * x.stride;
          if (S != kDot) for (int k = 0; k < x.stride; k++) g[k] = by_weight[j] * p[k] - g[k];
          radial[first + j] = by_radius[j];
          dbias[first + j] = by_bias[j];
        }
      }
    }
  });
  parallel(x.batch, 32, [&](int begin, int end, int) {
    for (int b = begin; b < end; b++) {
      double weight = 0, by_radius = 0, by_c = 0;
      float* out = dq + (size_t)b * x.stride;
      for (int k = 0; k < x.stride; k++) out[k] = 0;
      for (int piece = 0; piece < pieces; piece++) {
        const double* gs = sums + (size_t)piece * 3 * x.batch;
        const float* gq = partial_q + piece * row_size + (size_t)b * x.stride;
        weight += gs[b];
        by_radius += gs[x.batch + b];
        by_c += gs[2 * x.batch + b];
        for (int k = 0; k < x.stride; k++) out[k] += gq[k];
      }
      const float f = (float)(weight + by_radius);
      if (S != kDot) for (int k = 0; k < x.stride; k++) out[k] = f * x.q[(size_t)b * x.stride + k] - out[k];
      dc[b] += by_c;
      dhead[b] = 0;  // softmax does not see a constant of the query
    }
  });
}

inline void all_backward(Args a) {
  switch (a.count(0)) {
    case kDot: return all_backward_of<kDot>(a);
    case kEuclidean: return all_backward_of<kEuclidean>(a);
    case kHyperbolic: return all_backward_of<kHyperbolic>(a);
    default: return all_backward_of<kRelationHyperbolic>(a);
  }
}

}  // namespace MULDE_ISA
}  // namespace mulde
