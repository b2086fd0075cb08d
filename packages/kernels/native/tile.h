// Inner products of queries with all entities, a tile at a time. Kernels score and reduce each tile (a count, a maximum, a log-sum-exp, a
// gradient) before they go on to the next, so nothing of size B x N is ever stored, except the result of scoreAll.
#pragma once
#include "pairs.h"

namespace mulde {
namespace MULDE_ISA {

// A tile is 64 queries by 384 entities with AVX-512, 192 with AVX2 and 96 in WebAssembly. Its scores fit the second-level cache; short vectors need
// more loads, so there they fit the first.
constexpr int kTileQueries = 64;
constexpr int kTilePanels = W >= 8 ? 8 : 12;
constexpr int kTileEntities = kTilePanels * kPanel;
constexpr int kMaxTileEntities = 384;
static_assert(kTileEntities <= kMaxTileEntities, "");
// The stride of a tile's rows: an odd number of cache lines, so that the values of a column do not compete for the same lines.
constexpr int kTileStride = kTileEntities + 16;

// The inner products of kRows queries (packed [dimension][query]) with one panel. The accumulators are named variables, because compilers keep
// arrays of vectors in memory.
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

// The queries and entities of a call.
struct AllPairs : QueryConstants {
  int batch, n, stride;
  const float *q, *head_bias, *points, *packed, *norm, *point_alpha, *bias;

  explicit AllPairs(const Args& a)
      : QueryConstants{a.f32(4), a.f32(5), a.f32(6)}, batch(a.count(1)), n(a.count(8)), stride(row_stride(a.count(2))), q(a.f32(3)),
        head_bias(a.f32(7)), points(a.f32(10)), packed(a.f32(14)), norm(a.f32(11)), point_alpha(a.f32(12)), bias(a.f32(13)) {}

  int tiles() const { return (n + kTileEntities - 1) / kTileEntities; }
};

// As check_pairs, and the packed points.
inline PairShape check_all_pairs(Checker& c) {
  const PairShape x = check_pairs(c);
  c.holds(14, packed_length(x.n, x.stride));
  return x;
}

// The values of a tile, a row for each query.
struct Tile {
  int first, count, padded;  // entities; `padded` counts whole panels
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
