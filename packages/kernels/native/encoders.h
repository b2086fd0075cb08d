// Query encoders q = q(h, r), forward and backward. They touch B rows only, so they are written for clarity, in float64.
//
// Hyperbolic models live in the unit ball: with s = sqrt(c), x_unit = s x maps the ball of curvature -c to the one of curvature
// -1, Mobius addition commutes with it, and expmap0(u) becomes tanh(s |u|) u / |u|. The curvature then enters only there and
// in the final score -arcosh(...)^2 / c.
#pragma once
#include "elementary.h"
#include "products.h"
#include "runtime.h"

namespace mulde {
namespace MULDE_ISA {

constexpr int kMaxDim = 1024;  // checked by the callers in TypeScript
// Length of the scratch rows below. Not a power of two, so that rows do not fall onto the same lines of the cache.
constexpr int kRow = kMaxDim + 24;
constexpr double kMaxTanh = 1 - 1e-5;  // points are projected to sqrt(c) |x| <= 1 - 1e-5, where 1 - c|x|^2 = 2e-5 is still exact enough
constexpr double kMinNorm = 1e-15;

inline double ddot(const double* x, const double* y, int d) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int i = 0; i < d; i++) sum += x[i] * y[i];
  return sum;
}

// expmap0 in the unit ball: y = g u with g = tanh(s n) / n. The slopes are those of g: by n (divided by n) and of g n by s.
struct ExpMap {
  double g, slope, by_s;
};

inline ExpMap expmap(double n, double s) {
  n = n > kMinNorm ? n : kMinNorm;
  const double a = s * n, t = dtanh(a);
  if (t > kMaxTanh) return {kMaxTanh / n, -kMaxTanh / (n * n * n), 0};
  const double sech2 = 1 - t * t;
  // (s sech^2(a) n - tanh(a)) / n^3, whose leading term -2 s^3 / 3 cancellation would hide for small a
  const double slope = a < 1e-3 ? -2.0 / 3 * s * s * s : (s * sech2 * n - t) / (n * n * n);
  return {t / n, slope, sech2};
}

inline void expmap_forward(const double* u, double s, int d, double* y) {
  const double g = expmap(dsqrt(ddot(u, u, d)), s).g;
  for (int i = 0; i < d; i++) y[i] = g * u[i];
}

// Adds to du; returns dL/ds.
inline double expmap_backward(const double* u, double s, int d, const double* dy, double* du) {
  const ExpMap e = expmap(dsqrt(ddot(u, u, d)), s);
  const double along = ddot(dy, u, d);
  for (int i = 0; i < d; i++) du[i] += e.g * dy[i] + along * e.slope * u[i];
  return along * e.by_s;
}

// Mobius addition in the unit ball, (A x + B y) / den with A = 1 + 2xy + yy, B = 1 - xx, den = 1 + 2xy + xx yy.
inline void mobius_forward(const double* x, const double* y, int d, double* z) {
  const double xy = ddot(x, y, d), xx = ddot(x, x, d), yy = ddot(y, y, d);
  const double den = 1 + 2 * xy + xx * yy, a = (1 + 2 * xy + yy) / den, b = (1 - xx) / den;
  for (int i = 0; i < d; i++) z[i] = a * x[i] + b * y[i];
}

// Writes dx and dy.
inline void mobius_backward(const double* x, const double* y, int d, const double* dz, double* dx, double* dy) {
  const double xy = ddot(x, y, d), xx = ddot(x, x, d), yy = ddot(y, y, d);
  const double den = 1 + 2 * xy + xx * yy, a = (1 + 2 * xy + yy) / den, b = (1 - xx) / den;
  const double da = ddot(dz, x, d) / den, db = ddot(dz, y, d) / den, dden = -(a * da + b * db);
  const double dxy = 2 * da + 2 * dden, dxx = -db + dden * yy, dyy = da + dden * xx;
  for (int i = 0; i < d; i++) {
    dx[i] = a * dz[i] + dxy * y[i] + 2 * dxx * x[i];
    dy[i] = b * dz[i] + dxy * x[i] + 2 * dyy * y[i];
  }
}

// A rotation (sign = 1) or reflection (sign = -1) of each coordinate pair by the pair (a, b) of r, normalised to length 1:
// (a x - sign b y, b x + sign a y).
inline void givens_forward(const double* r, const double* x, int d, double sign, double* z) {
  for (int i = 0; i < d; i += 2) {
    const double n = dsqrt(r[i] * r[i] + r[i + 1] * r[i + 1]), inv = 1 / (n > kMinNorm ? n : kMinNorm);
    const double a = r[i] * inv, b = r[i + 1] * inv;
    z[i] = a * x[i] - sign * b * x[i + 1];
    z[i + 1] = b * x[i] + sign * a * x[i + 1];
  }
}

// Adds to dr and dx.
inline void givens_backward(const double* r, const double* x, int d, double sign, const double* dz, double* dr, double* dx) {
  for (int i = 0; i < d; i += 2) {
    const double n = dsqrt(r[i] * r[i] + r[i + 1] * r[i + 1]), inv = 1 / (n > kMinNorm ? n : kMinNorm);
    const double a = r[i] * inv, b = r[i + 1] * inv, u = dz[i], v = dz[i + 1];
    dx[i] += a * u + b * v;
    dx[i + 1] += sign * (a * v - b * u);
    const double da = x[i] * u + sign * x[i + 1] * v, db = x[i] * v - sign * x[i + 1] * u, along = a * da + b * db;
    dr[i] += (da - a * along) * inv;
    dr[i + 1] += (db - b * along) * inv;
  }
}

enum Encoder {
  kTransE, kDistE, kRotE, kRefE, kAttE, kTransH, kDistH, kRotH, kRefH, kAttH,  // the first ten in this order: see hyperbolic()
  kComplEx, kCP, kSimplE, kQuatE, kRotatE, kMuRE, kMuRP
};

// The relation tables, in the order in which a host passes them; an encoder uses some of them, each row d wide unless row_width says less.
enum Slot { kRelation, kRotation, kReflection, kInner, kContext, kDiagonal, kSlots };

// The product that an encoder is, or null, and the table of its other factor.
inline const Product* product_of(Encoder kind) {
  switch (kind) {
    case kComplEx: return &kComplexProduct;
    case kCP: return &kHeadTailProduct;
    case kSimplE: return &kTwoWayProduct;
    case kQuatE: return &kHamiltonProduct;
    case kRotatE: return &kTurnProduct;
    default: return nullptr;
  }
}
inline Slot product_slot(Encoder kind) { return kind == kRotatE ? kRotation : kRelation; }

inline int row_width(Encoder kind, int d) {
  const Product* product = product_of(kind);
  return product ? d / product->block * product->relation : d;
}

constexpr double kRotate = 1, kReflect = -1;

// The attention of AttE and AttH over the rotated and the reflected head: weights softmax(<context, candidate> / sqrt(d)).
struct Attention {
  double rot[kRow], ref[kRow], weight_rot, weight_ref;

  void forward(const double* h, const double* const* r, int d, double* y) {
    givens_forward(r[kRotation], h, d, kRotate, rot);
    givens_forward(r[kReflection], h, d, kReflect, ref);
    const double gap = (ddot(r[kContext], rot, d) - ddot(r[kContext], ref, d)) / dsqrt(d);
    weight_rot = gap > 0 ? 1 / (1 + dexp(-gap)) : 1 - 1 / (1 + dexp(gap));
    weight_ref = 1 - weight_rot;
    for (int i = 0; i < d; i++) y[i] = weight_rot * rot[i] + weight_ref * ref[i];
  }

  // After forward. Adds to dh and dr.
  void backward(const double* h, const double* const* r, int d, const double* dy, double* dh, double* const* dr) {
    const double dgap = weight_rot * weight_ref * (ddot(dy, rot, d) - ddot(dy, ref, d)) / dsqrt(d);
    double drot[kRow], dref[kRow];
    for (int i = 0; i < d; i++) {
      drot[i] = weight_rot * dy[i] + dgap * r[kContext][i];
      dref[i] = weight_ref * dy[i] - dgap * r[kContext][i];
      dr[kContext][i] += dgap * (rot[i] - ref[i]);
    }
    givens_backward(r[kRotation], h, d, kRotate, drot, dr[kRotation], dh);
    givens_backward(r[kReflection], h, d, kReflect, dref, dr[kReflection], dh);
  }
};

// One query's forward pass, with what the backward pass needs of it.
struct Query {
  Encoder kind;
  int d;
  double s;  // sqrt(c)
  const double* h;
  const double* r[kSlots];
  double q[kRow], head[kRow], moved[kRow], turned[kRow], rel[kRow], inner[kRow];
  double shrink;  // by which q was projected into the ball; 1 inside
  Attention attention;

  bool hyperbolic() const { return (kind >= kTransH && kind <= kAttH) || kind == kMuRP; }

  void forward() {
    shrink = 1;
    if (const Product* product = product_of(kind)) return product_forward(*product, h, r[product_slot(kind)], d, q);
    switch (kind) {
      case kTransE: add(h, r[kRelation]); break;
      case kDistE: multiply(h, r[kRelation], 1); break;
      case kMuRE: for (int i = 0; i < d; i++) q[i] = r[kDiagonal][i] * h[i] - r[kRelation][i]; break;
      case kRotE: givens_forward(r[kRotation], h, d, kRotate, turned); add(turned, r[kRelation]); break;
      case kRefE: givens_forward(r[kReflection], h, d, kReflect, turned); add(turned, r[kRelation]); break;
      case kAttE: attention.forward(h, r, d, turned); add(turned, r[kRelation]); break;
      case kAttH: attention.forward(h, r, d, turned); expmap_forward(turned, s, d, head); break;
      case kMuRP:
        for (int i = 0; i < d; i++) turned[i] = r[kDiagonal][i] * h[i];
        expmap_forward(turned, s, d, head);
        break;
      default: expmap_forward(h, s, d, head);
    }
    if (!hyperbolic()) return;
    expmap_forward(r[kRelation], s, d, rel);
    const double* x = head;
    if (kind == kRotH) {
      expmap_forward(r[kInner], s, d, inner);
      mobius_forward(head, inner, d, moved);
      givens_forward(r[kRotation], moved, d, kRotate, turned);
      x = turned;
    } else if (kind == kRefH) {
      givens_forward(r[kReflection], head, d, kReflect, turned);
      x = turned;
    }
    if (kind == kMuRP) for (int i = 0; i < d; i++) rel[i] = -rel[i];
    if (kind == kDistH) multiply(head, rel, 1 / s);
    else if (kind == kMuRP) mobius_forward(rel, head, d, q);
    else mobius_forward(x, rel, d, q);
    const double n = dsqrt(ddot(q, q, d));
    if (n > kMaxTanh) {
      shrink = kMaxTanh / n;
      for (int i = 0; i < d; i++) q[i] *= shrink;
    }
  }

  // After forward: dq is dL/dq. Adds to dh and dr (only the slots in use); returns dL/ds.
  double backward(double* dq, double* dh, double* const* dr) {
    double dx[kRow], drel[kRow], dhead[kRow];
    if (!hyperbolic()) {
      if (const Product* product = product_of(kind)) {
        product_backward(*product, h, r[product_slot(kind)], d, dq, dh, dr[product_slot(kind)]);
        return 0;
      }
      if (kind == kMuRE) {
        for (int i = 0; i < d; i++) {
          dh[i] += dq[i] * r[kDiagonal][i];
          dr[kDiagonal][i] += dq[i] * h[i];
          dr[kRelation][i] -= dq[i];
        }
        return 0;
      }
      if (kind == kDistE) {
        for (int i = 0; i < d; i++) { dh[i] += dq[i] * r[kRelation][i]; dr[kRelation][i] += dq[i] * h[i]; }
        return 0;
      }
      for (int i = 0; i < d; i++) dr[kRelation][i] += dq[i];
      if (kind == kTransE) for (int i = 0; i < d; i++) dh[i] += dq[i];
      if (kind == kRotE) givens_backward(r[kRotation], h, d, kRotate, dq, dr[kRotation], dh);
      if (kind == kRefE) givens_backward(r[kReflection], h, d, kReflect, dq, dr[kReflection], dh);
      if (kind == kAttE) attention.backward(h, r, d, dq, dh, dr);
      return 0;
    }
    double ds = 0;
    if (shrink < 1) {  // a projected point moves only along its sphere
      const double along = ddot(dq, q, d) / (kMaxTanh * kMaxTanh);
      for (int i = 0; i < d; i++) dq[i] = shrink * (dq[i] - along * q[i]);
    }
    if (kind == kDistH) {
      for (int i = 0; i < d; i++) { dhead[i] = dq[i] * rel[i] / s; drel[i] = dq[i] * head[i] / s; }
      ds -= ddot(dq, q, d) / (s * shrink);
    } else if (kind == kMuRP) {
      mobius_backward(rel, head, d, dq, drel, dhead);
      for (int i = 0; i < d; i++) drel[i] = -drel[i];
    } else {
      const double* x = kind == kRotH || kind == kRefH ? turned : head;
      mobius_backward(x, rel, d, dq, dx, drel);
      if (kind == kRotH) {
        double dmoved[kRow] = {}, dinner[kRow];
        givens_backward(r[kRotation], moved, d, kRotate, dx, dr[kRotation], dmoved);
        mobius_backward(head, inner, d, dmoved, dhead, dinner);
        ds += expmap_backward(r[kInner], s, d, dinner, dr[kInner]);
      } else if (kind == kRefH) {
        for (int i = 0; i < d; i++) dhead[i] = 0;
        givens_backward(r[kReflection], head, d, kReflect, dx, dr[kReflection], dhead);
      } else {
        for (int i = 0; i < d; i++) dhead[i] = dx[i];
      }
    }
    ds += expmap_backward(r[kRelation], s, d, drel, dr[kRelation]);
    if (kind == kAttH) {
      double datt[kRow] = {};
      ds += expmap_backward(turned, s, d, dhead, datt);
      attention.backward(h, r, d, datt, dh, dr);
    } else if (kind == kMuRP) {
      double dturned[kRow] = {};
      ds += expmap_backward(turned, s, d, dhead, dturned);
      for (int i = 0; i < d; i++) { dh[i] += dturned[i] * r[kDiagonal][i]; dr[kDiagonal][i] += dturned[i] * h[i]; }
    } else {
      ds += expmap_backward(h, s, d, dhead, dh);
    }
    return ds;
  }

 private:
  void add(const double* x, const double* y) { for (int i = 0; i < d; i++) q[i] = x[i] + y[i]; }
  void multiply(const double* x, const double* y, double f) { for (int i = 0; i < d; i++) q[i] = f * x[i] * y[i]; }
};

inline void widen(const float* row, int d, double* out) { for (int i = 0; i < d; i++) out[i] = row[i]; }

// Rows h and r of the tables as doubles, ready for Query.
struct QueryRows {
  double h[kRow], r[kSlots][kRow];

  void read(Query& q, const float* entity, float* const* tables, int head, int relation) {
    widen(entity + (size_t)head * q.d, q.d, h);
    q.h = h;
    const int width = row_width(q.kind, q.d);
    for (int k = 0; k < kSlots; k++) {
      q.r[k] = r[k];
      if (tables[k]) widen(tables[k] + (size_t)relation * width, width, r[k]);
    }
  }
};

// encode(kind, batch, dim, stride, entity, 6 relation tables or null, heads, relations, curvature (B) or null,
//        q (B x stride), square (B), alpha (B))
// square = |q|^2 and alpha = 1 / (1 - |q|^2) of the unit-ball point.
inline void encode(Args a) {
  const Encoder kind = (Encoder)a.count(0);
  const int batch = a.count(1), d = a.count(2), stride = a.count(3);
  const float *entity = a.f32(4), *curvatures = a.f32(13);
  float* const tables[kSlots] = {a.f32(5), a.f32(6), a.f32(7), a.f32(8), a.f32(9), a.f32(10)};
  const int32_t *heads = a.i32(11), *relations = a.i32(12);
  float *q = a.f32(14), *square = a.f32(15), *alpha = a.f32(16);
  parallel(batch, 16, [&](int begin, int end, int) {
    Query query;
    QueryRows rows;
    query.kind = kind;
    query.d = d;
    for (int b = begin; b < end; b++) {
      query.s = dsqrt(curvatures ? curvatures[b] : 1);
      rows.read(query, entity, tables, heads[b], relations[b]);
      query.forward();
      const double sq = ddot(query.q, query.q, d);
      for (int i = 0; i < stride; i++) q[(size_t)b * stride + i] = i < d ? (float)query.q[i] : 0.0f;
      square[b] = (float)sq;
      alpha[b] = query.hyperbolic() ? (float)(1 / (1 - sq)) : 1.0f;
    }
  });
}

// encodeBackward(... as encode up to curvature ..., dq (B x stride), dHead (B x dim), 6 x dTable (B x width) or null,
//                dCurvature (B, float64, added to))
inline void encode_backward(Args a) {
  const Encoder kind = (Encoder)a.count(0);
  const int batch = a.count(1), d = a.count(2), stride = a.count(3);
  const float *entity = a.f32(4), *curvatures = a.f32(13), *dq = a.f32(14);
  float* const tables[kSlots] = {a.f32(5), a.f32(6), a.f32(7), a.f32(8), a.f32(9), a.f32(10)};
  const int32_t *heads = a.i32(11), *relations = a.i32(12);
  float* dhead = a.f32(15);
  float* const dtables[kSlots] = {a.f32(16), a.f32(17), a.f32(18), a.f32(19), a.f32(20), a.f32(21)};
  double* dcurvature = a.f64(22);
  const int width = row_width(kind, d);
  parallel(batch, 16, [&](int begin, int end, int) {
    Query query;
    QueryRows rows, grads;
    double g[kRow];
    double* dr[kSlots];
    query.kind = kind;
    query.d = d;
    for (int b = begin; b < end; b++) {
      query.s = dsqrt(curvatures ? curvatures[b] : 1);
      rows.read(query, entity, tables, heads[b], relations[b]);
      query.forward();
      widen(dq + (size_t)b * stride, d, g);
      for (int i = 0; i < d; i++) grads.h[i] = 0;
      for (int k = 0; k < kSlots; k++) {
        dr[k] = grads.r[k];
        if (tables[k]) for (int i = 0; i < width; i++) dr[k][i] = 0;
      }
      const double ds = query.backward(g, grads.h, dr);
      if (query.hyperbolic()) dcurvature[b] += ds / (2 * query.s);
      for (int i = 0; i < d; i++) dhead[(size_t)b * d + i] = (float)grads.h[i];
      for (int k = 0; k < kSlots; k++)
        if (dtables[k]) for (int i = 0; i < width; i++) dtables[k][(size_t)b * width + i] = (float)dr[k][i];
    }
  });
}

}  // namespace MULDE_ISA
}  // namespace mulde
