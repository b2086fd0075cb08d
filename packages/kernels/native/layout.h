// The memory layout of points and queries.
#pragma once
#include "check.h"

namespace mulde {
namespace MULDE_ISA {

constexpr int kMaxDim = 1024;
// Rows are padded with zeros to whole vectors of the widest instruction set.
constexpr int kRowMultiple = 16;
constexpr int row_stride(int dim) { return (dim + kRowMultiple - 1) / kRowMultiple * kRowMultiple; }

// The packed layout groups entities into panels. All-entity products read a panel dimension by dimension.
#if defined(__wasm_simd128__)
constexpr int kPanelVectors = 2;  // 4 x 2 accumulators fit the 16 registers of x86
#else
constexpr int kPanelVectors = 3;
#endif
constexpr int kPanel = kPanelVectors * W;
// A multiple of every instruction set's panel (48, 24, 12 and 8), so that one buffer size suits all.
constexpr int kPackedMultiple = 48;
static_assert(kPackedMultiple % kPanel == 0, "");

inline int64_t packed_length(int64_t n, int64_t stride) { return times((n + kPanel - 1) / kPanel, kPanel, stride); }

}  // namespace MULDE_ISA
}  // namespace mulde
