// A query in an encoder: its inputs, its output, and the intermediate values that the backward pass needs. T is a double, or a vector of them
// for that many queries at once.
#pragma once
#include "geometry.h"
#include "layout.h"

namespace mulde {
namespace MULDE_ISA {

// The length of scratch rows. Several queries run at once while their rows fit a thread's stack, up to kLaneDim dimensions. Neither length is a
// power of two, so that rows do not compete for the same cache lines.
constexpr int kLaneDim = 128;
template <class T>
constexpr int kRow = sizeof(T) == sizeof(double) ? kMaxDim + 24 : kLaneDim + 3;

// The relation tables, in the order in which the host passes them.
enum Slot { kRelation, kRotation, kReflection, kInner, kContext, kDiagonal, kSlots };
constexpr const char* kSlotNames[kSlots] = {"relation", "rotation", "reflection", "innerTranslation", "context", "diagonal"};
constexpr uint32_t bit(Slot slot) { return 1u << slot; }

constexpr int kRotate = 1, kReflect = -1;  // `sign` of the Givens functions

// AttE and AttH combine the rotated and the reflected head by attention, with weights softmax(<context, candidate> / sqrt(d)).
template <class T>
struct Attention {
  T rot[kRow<T>], ref[kRow<T>], weight_rot, weight_ref;

  void forward(const T* h, const T* const* r, int d, T* y) {
    givens_forward(r[kRotation], h, d, kRotate, rot);
    givens_forward(r[kReflection], h, d, kReflect, ref);
    const T gap = (ddot(r[kContext], rot, d) - ddot(r[kContext], ref, d)) / dsqrt(d), away = gap > 0.0 ? -gap : gap;
    const T greater = 1.0 / (1.0 + texp(away < -700.0 ? fill<T>(-700) : away));
    weight_rot = gap > 0.0 ? greater : 1.0 - greater;
    weight_ref = 1.0 - weight_rot;
    for (int i = 0; i < d; i++) y[i] = weight_rot * rot[i] + weight_ref * ref[i];
  }

  // Runs after `forward`. Adds to dh and dr.
  void backward(const T* h, const T* const* r, int d, const T* dy, T* dh, T* const* dr) {
    const T dgap = weight_rot * weight_ref * (ddot(dy, rot, d) - ddot(dy, ref, d)) / dsqrt(d);
    T drot[kRow<T>], dref[kRow<T>];
    for (int i = 0; i < d; i++) {
      drot[i] = weight_rot * dy[i] + dgap * r[kContext][i];
      dref[i] = weight_ref * dy[i] - dgap * r[kContext][i];
      dr[kContext][i] += dgap * (rot[i] - ref[i]);
    }
    givens_backward_inline(r[kRotation], h, d, kRotate, drot, dr[kRotation], dh);
    givens_backward_inline(r[kReflection], h, d, kReflect, dref, dr[kReflection], dh);
  }
};

template <class T>
struct Query {
  int d;
  T s;  // sqrt(c)
  const T* h;
  const T* r[kSlots];  // rows of the tables the encoder reads
  T q[kRow<T>], head[kRow<T>], moved[kRow<T>], turned[kRow<T>], rel[kRow<T>], inner[kRow<T>];
  T shrink;  // the factor that projected q into the ball; 1 if q was inside
  Attention<T> attention;
};

// Gradients of the rows a query reads. Encoders add to them.
template <class T>
struct RowGradients {
  T* h;
  T* r[kSlots];
};

}  // namespace MULDE_ISA
}  // namespace mulde
