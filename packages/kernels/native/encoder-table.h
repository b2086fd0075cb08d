// One row for each fused encoder: all that hosts and kernels know of it. To add one, write its structure with `forward` and `backward` (as in
// flat-encoders.h and ball-encoders.h) and its row here; scripts/build-wasm.js tells TypeScript.
#pragma once
#include "ball-encoders.h"
#include "flat-encoders.h"

namespace mulde {
namespace MULDE_ISA {

enum Space { kFlat, kBall };

// Name of encoder and structure; where its points lie; how many coordinates belong together, so that dimensions are multiples of them;
// coordinates of a relation for each group of those; the relation tables it reads. Files do not hold the order, so that rows may move.
#define MULDE_ENCODERS(X)                                                               \
  X(TransE, kFlat, 1, 1, bit(kRelation))                                                \
  X(DistE, kFlat, 1, 1, bit(kRelation))                                                 \
  X(RotE, kFlat, 2, 2, bit(kRelation) | bit(kRotation))                                 \
  X(RefE, kFlat, 2, 2, bit(kRelation) | bit(kReflection))                               \
  X(AttE, kFlat, 2, 2, bit(kRelation) | bit(kRotation) | bit(kReflection) | bit(kContext)) \
  X(TransH, kBall, 1, 1, bit(kRelation))                                                \
  X(DistH, kBall, 1, 1, bit(kRelation))                                                 \
  X(RotH, kBall, 2, 2, bit(kRelation) | bit(kRotation) | bit(kInner))                   \
  X(RefH, kBall, 2, 2, bit(kRelation) | bit(kReflection))                               \
  X(AttH, kBall, 2, 2, bit(kRelation) | bit(kRotation) | bit(kReflection) | bit(kContext)) \
  X(ComplEx, kFlat, 2, 2, bit(kRelation))                                               \
  X(CP, kFlat, 2, 1, bit(kRelation))                                                    \
  X(SimplE, kFlat, 2, 2, bit(kRelation))                                                \
  X(QuatE, kFlat, 4, 4, bit(kRelation))                                                 \
  X(RotatE, kFlat, 2, 2, bit(kRotation))                                                \
  X(MuRE, kFlat, 1, 1, bit(kRelation) | bit(kDiagonal))                                 \
  X(MuRP, kBall, 1, 1, bit(kRelation) | bit(kDiagonal))

enum Encoder {
#define MULDE_ROW(name, space, group, part, tables) k##name,
  MULDE_ENCODERS(MULDE_ROW)
#undef MULDE_ROW
  kEncoders
};

struct EncoderRow {
  const char* name;
  Space space;
  int group, part;
  uint32_t tables;

  constexpr bool reads(int slot) const { return (tables >> slot) & 1; }
  constexpr int width(int dim) const { return dim / group * part; }
};

constexpr EncoderRow kEncoderRows[kEncoders] = {
#define MULDE_ROW(name, space, group, part, tables) {#name, space, group, part, tables},
    MULDE_ENCODERS(MULDE_ROW)
#undef MULDE_ROW
};

template <class T>
inline void encoder_forward(Encoder kind, Query<T>& x) {
  x.shrink = fill<T>(1);
  switch (kind) {
#define MULDE_ROW(name, space, group, part, tables) \
  case k##name: return encoder::name::forward(x);
    MULDE_ENCODERS(MULDE_ROW)
#undef MULDE_ROW
    default: return;
  }
}

template <class T>
inline T encoder_backward(Encoder kind, Query<T>& x, T* dq, const RowGradients<T>& g) {
  switch (kind) {
#define MULDE_ROW(name, space, group, part, tables) \
  case k##name: return encoder::name::backward(x, dq, g);
    MULDE_ENCODERS(MULDE_ROW)
#undef MULDE_ROW
    default: return T{};
  }
}

}  // namespace MULDE_ISA
}  // namespace mulde
