// The facts that TypeScript shares with this source, and a hash of them. scripts/build-wasm.js writes both to src/_generated.ts. Engines export the
// hash, and TypeScript refuses to call kernels with a different one.
#pragma once
#include "all-loss.h"
#include "encoders.h"
#include "optimizers.h"
#include "planned-backward.h"
#include "plan.h"
#include "senior.h"
#include "top-k.h"

namespace mulde {
namespace MULDE_ISA {

// Raise this when a call changes its meaning but no fact changes.
constexpr double kVersion = 1;

constexpr Fact kConstants[] = {
    {"version", "kernels", kVersion},
    {"constant", "maxArguments", kMaxArguments},
    {"constant", "maxDim", kMaxDim},
    {"constant", "rowMultiple", kRowMultiple},
    {"constant", "packedMultiple", kPackedMultiple},
    {"constant", "maxTeachers", kMaxTeachers},
    {"constant", "maxChunks", kMaxChunks},
    {"constant", "planPieces", kPlanPieces},
    {"constant", "queryPieces", kQueryPieces},
    {"constant", "gradientPieces", kGradientPieces},
    {"constant", "tileQueries", kTileQueries},
    {"constant", "maxTileEntities", kMaxTileEntities},
    {"constant", "keptFloats", kKeptFloats},
    {"constant", "querySums", kQuerySums},
    {"constant", "topKRoom", kTopKRoom},
    {"similarity", "dot", kDot},
    {"similarity", "euclidean", kEuclidean},
    {"similarity", "hyperbolic", kHyperbolic},
    {"similarity", "relationHyperbolic", kRelationHyperbolic},
    {"loss", "softmax", kSoftmax},
    {"loss", "logistic", kLogistic},
    {"fault", "count", Fault::kCount},
    {"fault", "kind", Fault::kKind},
    {"fault", "number", Fault::kNumber},
    {"fault", "length", Fault::kLength},
    {"fault", "value", Fault::kValue},
    {"fault", "order", Fault::kOrder},
    {"fault", "empty", Fault::kEmpty},
    {"kind", "number", kNumber},
    {"kind", "Float32Array", kFloat32},
    {"kind", "Float64Array", kFloat64},
    {"kind", "Int32Array", kInt32},
    {"kind", "nothing", kNothing},
    {"kind", "other", kOther},
};

// FNV-1a over the words and the number of each fact.
constexpr uint32_t hash_byte(uint32_t hash, uint32_t byte) { return (hash ^ byte) * 16777619u; }
constexpr uint32_t hash_text(uint32_t hash, const char* text) {
  for (; *text; text++) hash = hash_byte(hash, (uint32_t)*text & 255);
  return hash_byte(hash, 0);
}
constexpr uint32_t hash_fact(uint32_t hash, const Fact& fact) {
  hash = hash_text(hash_text(hash, fact.subject), fact.name);
  for (uint32_t value = (uint32_t)fact.value, i = 0; i < 4; i++, value >>= 8) hash = hash_byte(hash, value & 255);
  return hash;
}

// All facts: constants, relation tables, encoders and kernels.
template <int kKernelCount>
struct Facts {
  static constexpr int kConstantCount = sizeof(kConstants) / sizeof(Fact);
  static constexpr int kCount = kConstantCount + kSlots + 4 * kEncoders + 2 * kKernelCount;
  Fact list[kCount];
  uint32_t abi;

  constexpr explicit Facts(const Kernel* kernels) : list{}, abi(2166136261u) {
    int n = 0;
    for (const Fact& fact : kConstants) list[n++] = fact;
    for (int k = 0; k < kSlots; k++) list[n++] = {"table", kSlotNames[k], (double)k};
    for (const EncoderRow& row : kEncoderRows) {
      list[n++] = {"encoder", row.name, (double)row.tables};
      list[n++] = {"space", row.name, (double)row.space};
      list[n++] = {"group", row.name, (double)row.group};
      list[n++] = {"part", row.name, (double)row.part};
    }
    for (int k = 0; k < kKernelCount; k++) {
      list[n++] = {"kernel", kernels[k].name, (double)k};
      list[n++] = {"signature", kernels[k].signature.text, (double)k};
    }
    for (const Fact& fact : list) abi = hash_fact(abi, fact);
  }
};

}  // namespace MULDE_ISA
}  // namespace mulde
