// What a core can do at most, and how much of that the inner-product tiles reach: measures for benchmarks, of no use otherwise.
#pragma once
#include "tile.h"

namespace mulde {
namespace MULDE_ISA {

// Independent sums that hide a fused multiply-add's latency: two units of four cycles need 8 of them, four units 16. Where a vector is
// multiplied and added by two instructions (WebAssembly), 12 still fit 16 registers.
#define MULDE_SUMS12(X) MULDE_ROWS8(X) X(8) X(9) X(10) X(11)
#if defined(__AVX512F__) || defined(__ARM_NEON)  // 32 registers
#define MULDE_SUMS(X) MULDE_SUMS12(X) X(12) X(13) X(14) X(15)
constexpr int kSums = 16;
#else
#define MULDE_SUMS MULDE_SUMS12
constexpr int kSums = 12;
#endif

// peak(chunks, iterations, out (2 x chunks, float64)): in each chunk, of which a thread takes one, kSums vectors start at 2, 3, ... and
// halve their distance to 1 at each step. Of a chunk: the sum of all lanes, and the floating-point operations done.
inline void check_peak(Checker& c) {
  const int64_t chunks = c.whole(0, 1, kMaxChunks);
  c.whole(1, 1);
  c.holds(2, 2 * chunks);
}
inline void peak(Args a) {
  const int iterations = a.count(1);
  double* out = a.f64(2);
  parallel(a.count(0), 1, [&](int begin, int end, int) {
    for (int chunk = begin; chunk < end; chunk++) {
      const vf half = set1(0.5f);
#define MULDE_START(i) vf s##i = set1((float)(i + 2));
#define MULDE_HALVE(i) s##i = fma(s##i, half, half);
#define MULDE_TOTAL(i) total += hsum(s##i);
      MULDE_SUMS(MULDE_START)
      for (int n = 0; n < iterations; n++) { MULDE_SUMS(MULDE_HALVE) }
      double total = 0;
      MULDE_SUMS(MULDE_TOTAL)
#undef MULDE_START
#undef MULDE_HALVE
#undef MULDE_TOTAL
      out[2 * chunk] = total;
      out[2 * chunk + 1] = 2.0 * W * kSums * iterations;
    }
  });
}

// products(... as scoreAll up to bias ..., pieces, out (pieces, float64)): the product tiles of all pairs, a block of queries after the
// other as in allLoss, and nothing else but a sum by piece of the tiles of the inner products with a tile's first W entities, so
// that the tiles are of some use.
inline void check_products(Checker& c) {
  check_all_pairs(c);
  c.holds(16, c.whole(15, 1));
}
inline void products(Args a) {
  const AllPairs x(a);
  const int pieces = a.count(15), tiles = x.tiles();
  double* out = a.f64(16);
  for (int piece = 0; piece < pieces; piece++) out[piece] = 0;
  QueryBlock block;
  for (int b = 0; b < x.batch; b += kTileQueries) {
    block.load_rows(x.q, x.stride, b, b + kTileQueries < x.batch ? b + kTileQueries : x.batch);
    parallel(pieces, 1, [&](int begin, int end, int) {
      Tile tile;
      for (int piece = begin; piece < end; piece++)
        for (int t = (int)((int64_t)tiles * piece / pieces); t < (int)((int64_t)tiles * (piece + 1) / pieces); t++) {
          tile.products(x, block, t);
          vf sum = zero();
          for (int i = 0; i < block.count; i++) sum = add(sum, load(tile.value + i * kTileStride));
          out[piece] += hsum(sum);
        }
    });
  }
}

}  // namespace MULDE_ISA
}  // namespace mulde
