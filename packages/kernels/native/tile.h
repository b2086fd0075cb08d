// Queries against all entities, a tile at a time: an inner-product tile in registers, the elementwise score over it, and a
// reduction (count, maximum, log-sum-exp, gradient) at once, so that nothing of size B x N is ever stored, except by scoreAll,
// whose result it is. Here: the inner products.
#pragma once
#include "pairs.h"

namespace mulde {
namespace MULDE_ISA {

// A tile is 64 queries x 384 entities with AVX-512, 192 with AVX2, 96 in WebAssembly: its scores stay in the second-level cache, and where
// vectors are short and loads the more, in the first.
constexpr int kTileQueries = 64;
constexpr int kTilePanels = W >= 8 ? 8 : 12;
constexpr int kTileEntities = kTilePanels * kPanel;
constexpr int kMaxTileEntities = 384;
static_assert(kTileEntities <= kMaxTileEntities, "");
// From one query's row to the next: an odd number of lines of the cache, so that a column's values do not fall onto the same ones.
constexpr int kTileStride = kTileEntities + 16;

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

}  // namespace MULDE_ISA
}  // namespace mulde
