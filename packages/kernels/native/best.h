// Selection of the best scores.
#pragma once
#include "simd.h"

namespace mulde {
namespace MULDE_ISA {

// Maps floats to unsigned integers in the same order, and back.
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

constexpr float kLowestScore = -3.4e38f;

// A buffer of this size holds several tiles between two selections, which makes selections cheap.
constexpr int kTopKRoom = 2048;

// Finds a bar that at least k and at most `most` of n finite values reach, by bisection over the bits of floats. With most = k it is the k-th
// largest value or lies between that and the next; several values may equal it.
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
    for (int j = 0; j < n; j += W) count += __builtin_popcount(bits(le(bar, load_part(values + j, n - j, kLowestScore))));
    if (count >= k && count <= most) return unordered(mid);
    if (count > k) lo = mid;
    else hi = mid - 1;
  }
  return unordered(lo);
}

// A query's best entities so far. Candidates above the bar are appended; when the buffer is full, the best stay. Entities come in ascending order,
// so a later one that ties with the k-th loses.
struct Best {
  float* scores;
  int32_t* ids;
  int count;
  float bar;

  // Keeps between k and `most` of the best: exactly k if most = k.
  void keep(int k, int most) {
    const float reach = bar_of(scores, count, k, most);
    const vf threshold = set1(reach);
    int above = 0;
    for (int j = 0; j < count; j += W) above += __builtin_popcount(bits(lt(threshold, load_part(scores + j, count - j, kLowestScore))));
    // Of the values equal to the bar, only the first are kept, as many as make up k.
    int ties = k - above, kept = 0;
    for (int j = 0; j < count; j += W) {
      const vf v = load_part(scores + j, count - j, kLowestScore);
      uint32_t stay = bits(lt(threshold, v));
      for (uint32_t tie = bits(eq(threshold, v)); tie && ties > 0; tie &= tie - 1, ties--) stay |= tie & (0u - tie);
      // Packing never overtakes reading: the lanes it overwrites have been read.
      pack_ids(stay, ids + j, ids + kept);
      kept += pack_lanes(stay, v, scores + kept);
    }
    count = kept;
    bar = reach;
  }
};

// Sorts n scores descending, with their ids; equal scores keep their order. A radix sort by bytes (LSD): 4 stable passes, and an even number of
// them ends where it began. `keys` and `spare` have room for n values, `spare_ids` too.
inline void sort_descending(float* scores, int32_t* ids, int n, uint32_t* keys, uint32_t* spare, int32_t* spare_ids) {
  uint32_t starts[4][256] = {};
  for (int l = 0; l < n; l++) {
    keys[l] = ~ordered(scores[l]);
    for (int byte = 0; byte < 4; byte++) starts[byte][(keys[l] >> (8 * byte)) & 255]++;
  }
  for (int byte = 0; byte < 4; byte++) {
    uint32_t sum = 0;
    for (int digit = 0; digit < 256; digit++) {
      const uint32_t count = starts[byte][digit];
      starts[byte][digit] = sum;
      sum += count;
    }
    for (int l = 0; l < n; l++) {
      const uint32_t to = starts[byte][(keys[l] >> (8 * byte)) & 255]++;
      spare[to] = keys[l];
      spare_ids[to] = ids[l];
    }
    uint32_t* const sorted = spare;
    spare = keys;
    keys = sorted;
    int32_t* const sorted_ids = spare_ids;
    spare_ids = ids;
    ids = sorted_ids;
  }
  for (int l = 0; l < n; l++) scores[l] = unordered(~keys[l]);
}

}  // namespace MULDE_ISA
}  // namespace mulde
