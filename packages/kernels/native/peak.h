// The kernels `peak` and `products`, for benchmarks: the most a core can compute, and how much of that the inner-product tiles reach.
#pragma once
#include "tile.h"

namespace mulde {
namespace MULDE_ISA {

// Independent sums hide the latency of a fused multiply-add: two units with four cycles need 8 sums, four units 16. With separate multiplications
// and additions (WebAssembly), 12 still fit 16 registers.
#define MULDE_SUMS12(X) MULDE_ROWS8(X) X(8) X(9) X(10) X(11)
#if defined(__AVX512F__) || defined(__ARM_NEON)  // 32 registers
#define MULDE_SUMS(X) MULDE_SUMS12(X) X(12) X(13) X(14) X(15)
constexpr int kSums = 16;
#else
#define MULDE_SUMS MULDE_SUMS12
constexpr int kSums = 12;
#endif

// peak(chunks, iterations, out (2 x chunks, float64)): in each chunk, kSums vectors start at 2, 3, ... and halve their distance to 1 in each
// iteration. `out` gets, for each chunk, the sum of all lanes and the number of floating-point operations.
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

// products(... as scoreAll up to packed ..., pieces, out (pieces, float64)): computes the product tiles of all pairs, block by block of queries as
// allLoss does. So that compilers keep the tiles, `out` gets each piece's sum of the products with a tile's first W entities.
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
