// The table of fused encoders: one row holds everything kernels and TypeScript know about one. To add an encoder, write a struct with `forward` and
// `backward` in flat-encoders.h or ball-encoders.h, add its row, and run scripts/build-wasm.js.
#pragma once
#include "ball-encoders.h"
#include "flat-encoders.h"

namespace mulde {
namespace MULDE_ISA {

enum Space { kFlat, kBall };

// X(name, space, group, part, tables): the name of the encoder and its struct; where its points lie; how many coordinates belong together (the
// dimension is a multiple); how many coordinates a relation has for each such group; the relation tables it reads. Nothing is stored by
// row number, so rows can move.
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
