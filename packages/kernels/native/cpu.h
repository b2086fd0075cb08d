// Which vector units this x86-64 processor has and its operating system saves. Compilers have __builtin_cpu_supports for that, but it needs a
// library that not all of them bring along.
#pragma once
#if defined(__x86_64__)
#include <cpuid.h>
#include <stdint.h>

namespace mulde {

class Cpu {
 public:
  Cpu() {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return;
    const bool fma = c >> 12 & 1, saves = c >> 27 & 1, avx = c >> 28 & 1;
    if (!fma || !saves || !avx || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return;
    uint32_t state, high;
    __asm__("xgetbv" : "=a"(state), "=d"(high) : "c"(0));
    // The upper halves of ymm; the masks and the upper parts of zmm.
    constexpr uint32_t kYmm = 0x6, kZmm = 0xe6;
    avx2 = (state & kYmm) == kYmm && (b >> 5 & 1);
    constexpr uint32_t kF = 1u << 16, kDq = 1u << 17, kBw = 1u << 30, kVl = 1u << 31, kUsed = kF | kDq | kBw | kVl;
#if defined(__APPLE__)
    // macOS starts to save them when a thread first uses them.
    avx512 = avx2 && (b & kUsed) == kUsed;
#else
    avx512 = avx2 && (state & kZmm) == kZmm && (b & kUsed) == kUsed;
#endif
  }

  bool avx2 = false, avx512 = false;  // with FMA; F, DQ, BW and VL
};

}  // namespace mulde
#endif
