// The kernel `sampleCandidates`: uniform random candidates from a counter. A draw does not depend on those before it, so runs can resume at any
// step and threads need no state.
#pragma once
#include "check.h"

namespace mulde {
namespace MULDE_ISA {

// The finalizer of SplitMix64 (Steele, Lea & Flood 2014).
MULDE_INLINE uint64_t mix64(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

// sampleCandidates(batch, negatives, stride, N, seed, counter, targets (B), ids (B x stride))
// Column 0 is the target and the next `negatives` columns are uniform over [0, N); columns after them stay as they are. A call uses
// batch x negatives draws from `counter` on.
inline void check_sample_candidates(Checker& c) {
  const int64_t batch = c.whole(0), K = c.whole(1, 0, kMaxCount - 1) + 1, stride = c.whole(2, K);
  c.whole(3, K > 1);
  c.whole(4, 0, kMaxExact);
  c.whole(5, 0, kMaxExact);
  c.holds(6, batch);
  c.rows(7, batch, K, stride);
}
inline void sample_candidates(Args a) {
  const int batch = a.count(0), negatives = a.count(1), K = negatives + 1, stride = a.count(2);
  const uint64_t n = (uint64_t)a.num(3), seed = mix64((uint64_t)a.num(4) + 0x9e3779b97f4a7c15ull), counter = (uint64_t)a.num(5);
  const int32_t* targets = a.i32(6);
  int32_t* ids = a.i32(7);
  parallel(batch, 64, [&](int begin, int end, int) {
    // Local copies: stores might alias the originals, which would keep compilers from vectorising.
    const int count = K;
    const uint64_t entities = n;
    for (int b = begin; b < end; b++) {
      int32_t* row = ids + (size_t)b * stride;
      row[0] = targets[b];
      uint64_t x = seed + (counter + (uint64_t)b * negatives) * 0x9e3779b97f4a7c15ull;
      for (int k = 1; k < count; k++) row[k] = (int32_t)(((mix64(x += 0x9e3779b97f4a7c15ull) >> 32) * entities) >> 32);
    }
  });
}

}  // namespace MULDE_ISA
}  // namespace mulde
