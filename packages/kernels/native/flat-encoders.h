// Euclidean encoders. `backward` runs after `forward`, gets dq = dL/dq and adds to the gradients of the rows.
#pragma once
#include "products.h"
#include "query.h"

namespace mulde {
namespace MULDE_ISA {
namespace encoder {

// q = h + r (Bordes et al. 2013)
struct TransE {
  template <class T>
  static void forward(Query<T>& x) {
    for (int i = 0; i < x.d; i++) x.q[i] = x.h[i] + x.r[kRelation][i];
  }
  template <class T>
  static T backward(Query<T>& x, T* dq, const RowGradients<T>& g) {
    for (int i = 0; i < x.d; i++) g.r[kRelation][i] += dq[i];
    for (int i = 0; i < x.d; i++) g.h[i] += dq[i];
    return T{};
  }
};

// q = h r, coordinate by coordinate
struct DistE {
  template <class T>
  static void forward(Query<T>& x) {
    for (int i = 0; i < x.d; i++) x.q[i] = 1.0 * x.h[i] * x.r[kRelation][i];
  }
  template <class T>
  static T backward(Query<T>& x, T* dq, const RowGradients<T>& g) {
    for (int i = 0; i < x.d; i++) {
      g.h[i] += dq[i] * x.r[kRelation][i];
      g.r[kRelation][i] += dq[i] * x.h[i];
    }
    return T{};
  }
};

// q = R h - r with a diagonal R (Balazevic et al. 2019)
struct MuRE {
  template <class T>
  static void forward(Query<T>& x) {
    for (int i = 0; i < x.d; i++) x.q[i] = x.r[kDiagonal][i] * x.h[i] - x.r[kRelation][i];
  }
  template <class T>
  static T backward(Query<T>& x, T* dq, const RowGradients<T>& g) {
    for (int i = 0; i < x.d; i++) {
      g.h[i] += dq[i] * x.r[kDiagonal][i];
      g.r[kDiagonal][i] += dq[i] * x.h[i];
      g.r[kRelation][i] -= dq[i];
    }
    return T{};
  }
};

// q = G h + r with Givens rotations or reflections G (Chami et al. 2020)
template <Slot kTable, int kSign>
struct TurnedE {
  template <class T>
  static void forward(Query<T>& x) {
    givens_forward(x.r[kTable], x.h, x.d, kSign, x.turned);
    for (int i = 0; i < x.d; i++) x.q[i] = x.turned[i] + x.r[kRelation][i];
  }
  template <class T>
  static T backward(Query<T>& x, T* dq, const RowGradients<T>& g) {
    for (int i = 0; i < x.d; i++) g.r[kRelation][i] += dq[i];
    givens_backward(x.r[kTable], x.h, x.d, kSign, dq, g.r[kTable], g.h);
    return T{};
  }
};
typedef TurnedE<kRotation, kRotate> RotE;
typedef TurnedE<kReflection, kReflect> RefE;

// q = attention over the rotated and the reflected head, plus r (Chami et al. 2020)
struct AttE {
  template <class T>
  static void forward(Query<T>& x) {
    x.attention.forward(x.h, x.r, x.d, x.turned);
    for (int i = 0; i < x.d; i++) x.q[i] = x.turned[i] + x.r[kRelation][i];
  }
  template <class T>
  static T backward(Query<T>& x, T* dq, const RowGradients<T>& g) {
    for (int i = 0; i < x.d; i++) g.r[kRelation][i] += dq[i];
    x.attention.backward(x.h, x.r, x.d, dq, g.h, g.r);
    return T{};
  }
};

// q = h r, a product of blocks of coordinates (products.h)
template <const Product& kProduct, Slot kTable>
struct ProductEncoder {
  template <class T>
  static void forward(Query<T>& x) { product_forward(kProduct, x.h, x.r[kTable], x.d, x.q); }
  template <class T>
  static T backward(Query<T>& x, T* dq, const RowGradients<T>& g) {
    product_backward(kProduct, x.h, x.r[kTable], x.d, dq, g.h, g.r[kTable]);
    return T{};
  }
};
typedef ProductEncoder<kComplexProduct, kRelation> ComplEx;
typedef ProductEncoder<kHeadTailProduct, kRelation> CP;
typedef ProductEncoder<kTwoWayProduct, kRelation> SimplE;
typedef ProductEncoder<kHamiltonProduct, kRelation> QuatE;
typedef ProductEncoder<kTurnProduct, kRotation> RotatE;

}  // namespace encoder
}  // namespace MULDE_ISA
}  // namespace mulde
