// The best so far of many scores.
#pragma once
#include "simd.h"

namespace mulde {
namespace MULDE_ISA {

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

constexpr float kLowestScore = -3.4e38f;

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
    for (int j = 0; j < n; j += W) count += __builtin_popcount(bits(le(bar, load_part(values + j, n - j, kLowestScore))));
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
    for (int j = 0; j < count; j += W) above += __builtin_popcount(bits(lt(threshold, load_part(scores + j, count - j, kLowestScore))));
    // Of those just at the bar only the first are needed, as many as fill up k.
    int ties = k - above, kept = 0;
    for (int j = 0; j < count; j += W) {
      const vf v = load_part(scores + j, count - j, kLowestScore);
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

}  // namespace MULDE_ISA
}  // namespace mulde
