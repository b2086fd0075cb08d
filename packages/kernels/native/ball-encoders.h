// Hyperbolic encoders, in the unit ball. `backward` runs after `forward`, gets dq = dL/dq (which it may overwrite), adds to the gradients of the
// rows and returns dL/ds with s = sqrt(c).
#pragma once
#include "query.h"

namespace mulde {
namespace MULDE_ISA {
namespace encoder {

// Projects q into the ball.
template <class T>
MULDE_INLINE void project(Query<T>& x) {
  const T n = tsqrt(ddot(x.q, x.q, x.d));
  x.shrink = n > kMaxTanh ? kMaxTanh / n : fill<T>(1);
  for (int i = 0; i < x.d; i++) x.q[i] *= x.shrink;
}
// A projected point can only move along its sphere.
template <class T>
MULDE_INLINE void project_backward(const Query<T>& x, T* dq) {
  const T along = x.shrink < 1.0 ? ddot(dq, x.q, x.d) / (kMaxTanh * kMaxTanh) : T{};
  for (int i = 0; i < x.d; i++) dq[i] = x.shrink * (dq[i] - along * x.q[i]);
}

// q = Move(h) + expmap0(r), with Mobius addition: TransH, RotH, RefH and AttH (Chami et al. 2020).
template <class Move>
struct Translated {
  template <class T>
  static void forward(Query<T>& x) {
    const T* head = Move::forward(x);
    expmap_forward(x.r[kRelation], x.s, x.d, x.rel);
    mobius_forward(head, x.rel, x.d, x.q);
    project(x);
  }
  template <class T>
  static T backward(Query<T>& x, T* dq, const RowGradients<T>& g) {
    T dx[kRow<T>], drel[kRow<T>];
    project_backward(x, dq);
    mobius_backward(Move::moved(x), x.rel, x.d, dq, dx, drel);
    return Move::backward(x, dx, drel, g);
  }
};

// Adds to the relation's gradient and returns its part of dL/ds.
template <class T>
MULDE_INLINE T relation_backward(const Query<T>& x, const T* drel, const RowGradients<T>& g) {
  return expmap_backward(x.r[kRelation], x.s, x.d, drel, g.r[kRelation]);
}

struct StayInBall {
  template <class T>
  static const T* forward(Query<T>& x) {
    expmap_forward(x.h, x.s, x.d, x.head);
    return x.head;
  }
  template <class T>
  static const T* moved(const Query<T>& x) { return x.head; }
  template <class T>
  static T backward(Query<T>& x, const T* dx, const T* drel, const RowGradients<T>& g) {
    T ds = {};
    ds += relation_backward(x, drel, g);
    ds += expmap_backward(x.h, x.s, x.d, dx, g.h);
    return ds;
  }
};

struct ReflectInBall {
  template <class T>
  static const T* forward(Query<T>& x) {
    expmap_forward(x.h, x.s, x.d, x.head);
    givens_forward(x.r[kReflection], x.head, x.d, kReflect, x.turned);
    return x.turned;
  }
  template <class T>
  static const T* moved(const Query<T>& x) { return x.turned; }
  template <class T>
  static T backward(Query<T>& x, const T* dx, const T* drel, const RowGradients<T>& g) {
    T dhead[kRow<T>];
    for (int i = 0; i < x.d; i++) dhead[i] = T{};
    givens_backward(x.r[kReflection], x.head, x.d, kReflect, dx, g.r[kReflection], dhead);
    T ds = {};
    ds += relation_backward(x, drel, g);
    ds += expmap_backward(x.h, x.s, x.d, dhead, g.h);
    return ds;
  }
};

// RotH translates the head before it rotates it.
struct RotateInBall {
  template <class T>
  static const T* forward(Query<T>& x) {
    expmap_forward(x.h, x.s, x.d, x.head);
    expmap_forward(x.r[kInner], x.s, x.d, x.inner);
    mobius_forward(x.head, x.inner, x.d, x.moved);
    givens_forward(x.r[kRotation], x.moved, x.d, kRotate, x.turned);
    return x.turned;
  }
  template <class T>
  static const T* moved(const Query<T>& x) { return x.turned; }
  template <class T>
  static T backward(Query<T>& x, const T* dx, const T* drel, const RowGradients<T>& g) {
    T dmoved[kRow<T>] = {}, dinner[kRow<T>], dhead[kRow<T>];
    givens_backward(x.r[kRotation], x.moved, x.d, kRotate, dx, g.r[kRotation], dmoved);
    mobius_backward(x.head, x.inner, x.d, dmoved, dhead, dinner);
    T ds = {};
    ds += expmap_backward(x.r[kInner], x.s, x.d, dinner, g.r[kInner]);
    ds += relation_backward(x, drel, g);
    ds += expmap_backward(x.h, x.s, x.d, dhead, g.h);
    return ds;
  }
};

struct AttendInBall {
  template <class T>
  static const T* forward(Query<T>& x) {
    x.attention.forward(x.h, x.r, x.d, x.turned);
    expmap_forward(x.turned, x.s, x.d, x.head);
    return x.head;
  }
  template <class T>
  static const T* moved(const Query<T>& x) { return x.head; }
  template <class T>
  static T backward(Query<T>& x, const T* dx, const T* drel, const RowGradients<T>& g) {
    T datt[kRow<T>] = {}, ds = {};
    ds += relation_backward(x, drel, g);
    ds += expmap_backward(x.turned, x.s, x.d, dx, datt);
    x.attention.backward(x.h, x.r, x.d, datt, g.h, g.r);
    return ds;
  }
};

typedef Translated<StayInBall> TransH;
typedef Translated<RotateInBall> RotH;
typedef Translated<ReflectInBall> RefH;
typedef Translated<AttendInBall> AttH;

// q = expmap0(h) expmap0(r), coordinate by coordinate in the ball of curvature -c
struct DistH {
  template <class T>
  static void forward(Query<T>& x) {
    expmap_forward(x.h, x.s, x.d, x.head);
    expmap_forward(x.r[kRelation], x.s, x.d, x.rel);
    const T f = 1.0 / x.s;
    for (int i = 0; i < x.d; i++) x.q[i] = f * x.head[i] * x.rel[i];
    project(x);
  }
  template <class T>
  static T backward(Query<T>& x, T* dq, const RowGradients<T>& g) {
    T drel[kRow<T>], dhead[kRow<T>], ds = {};
    project_backward(x, dq);
    for (int i = 0; i < x.d; i++) {
      dhead[i] = dq[i] * x.rel[i] / x.s;
      drel[i] = dq[i] * x.head[i] / x.s;
    }
    ds -= ddot(dq, x.q, x.d) / (x.s * x.shrink);
    ds += relation_backward(x, drel, g);
    ds += expmap_backward(x.h, x.s, x.d, dhead, g.h);
    return ds;
  }
};

// q = -expmap0(r) + expmap0(R h), with Mobius addition and a diagonal R (Balazevic et al. 2019)
struct MuRP {
  template <class T>
  static void forward(Query<T>& x) {
    for (int i = 0; i < x.d; i++) x.turned[i] = x.r[kDiagonal][i] * x.h[i];
    expmap_forward(x.turned, x.s, x.d, x.head);
    expmap_forward(x.r[kRelation], x.s, x.d, x.rel);
    for (int i = 0; i < x.d; i++) x.rel[i] = -x.rel[i];
    mobius_forward(x.rel, x.head, x.d, x.q);
    project(x);
  }
  template <class T>
  static T backward(Query<T>& x, T* dq, const RowGradients<T>& g) {
    T drel[kRow<T>], dhead[kRow<T>], dturned[kRow<T>] = {}, ds = {};
    project_backward(x, dq);
    mobius_backward(x.rel, x.head, x.d, dq, drel, dhead);
    for (int i = 0; i < x.d; i++) drel[i] = -drel[i];
    ds += relation_backward(x, drel, g);
    ds += expmap_backward(x.turned, x.s, x.d, dhead, dturned);
    for (int i = 0; i < x.d; i++) {
      g.h[i] += dturned[i] * x.r[kDiagonal][i];
      g.r[kDiagonal][i] += dturned[i] * x.h[i];
    }
    return ds;
  }
};

}  // namespace encoder
}  // namespace MULDE_ISA
}  // namespace mulde
