// Query encoders q = q(h, r), forward and backward, in float64. T is a double, or a vector of them: then as many queries side by side.
//
// Hyperbolic models live in the unit ball: with s = sqrt(c), x_unit = s x maps the ball of curvature -c to the one of curvature
// -1, Mobius addition commutes with it, and expmap0(u) becomes tanh(s |u|) u / |u|. The curvature then enters only there and
// in the final score -arcosh(...)^2 / c.
#pragma once
#include "check.h"
#include "elementary.h"
#include "products.h"

namespace mulde {
namespace MULDE_ISA {

constexpr int kMaxDim = 1024;
// Rows of points and queries are padded with zeros to whole vectors of the widest instruction set.
constexpr int kRowMultiple = 16;
constexpr int row_stride(int dim) { return (dim + kRowMultiple - 1) / kRowMultiple * kRowMultiple; }
// Rows of scratch below are this long: of several queries side by side while they are short enough for a thread's stack. Neither is a power of
// two, so that rows do not fall onto the same lines of the cache.
constexpr int kLaneDim = 128;
template <class T>
constexpr int kRow = sizeof(T) == sizeof(double) ? kMaxDim + 24 : kLaneDim + 3;
constexpr double kMaxTanh = 1 - 1e-5;  // points are projected to sqrt(c) |x| <= 1 - 1e-5, where 1 - c|x|^2 = 2e-5 is still exact enough
constexpr double kMinNorm = 1e-15;

inline double ddot(const double* x, const double* y, int d) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int i = 0; i < d; i++) sum += x[i] * y[i];
  return sum;
}
MULDE_INLINE vd ddot(const vd* x, const vd* y, int d) {
  vd even = {}, odd = {};
  int i = 0;
  for (; i + 1 < d; i += 2) {
    even += x[i] * y[i];
    odd += x[i + 1] * y[i + 1];
  }
  if (i < d) even += x[i] * y[i];
  return even + odd;
}

// expmap0 in the unit ball: y = g u with g = tanh(s n) / n. The slopes are those of g: by n (divided by n) and of g n by s.
template <class T>
struct ExpMap {
  T g, slope, by_s;
};

template <class T>
MULDE_INLINE ExpMap<T> expmap(T n, T s) {
  n = n < kMinNorm ? fill<T>(kMinNorm) : n;
  const T a = s * n, t = ttanh(a), sech2 = 1.0 - t * t, cube = n * n * n;
  const auto beyond = t > kMaxTanh;
  // (s sech^2(a) n - tanh(a)) / n^3, whose leading term -2 s^3 / 3 cancellation would hide for small a
  const T slope = a < 1e-3 ? -2.0 / 3 * s * s * s : (beyond ? fill<T>(-kMaxTanh) : s * sech2 * n - t) / cube;
  return {(beyond ? fill<T>(kMaxTanh) : t) / n, slope, beyond ? T{} : sech2};
}

template <class T>
inline void expmap_forward(const T* u, T s, int d, T* y) {
  const T g = expmap(tsqrt(ddot(u, u, d)), s).g;
  for (int i = 0; i < d; i++) y[i] = g * u[i];
}

// Adds to du; returns dL/ds.
template <class T>
inline T expmap_backward(const T* u, T s, int d, const T* dy, T* du) {
  const ExpMap<T> e = expmap(tsqrt(ddot(u, u, d)), s);
  const T along = ddot(dy, u, d);
  for (int i = 0; i < d; i++) du[i] += e.g * dy[i] + along * e.slope * u[i];
  return along * e.by_s;
}

// Mobius addition in the unit ball, (A x + B y) / den with A = 1 + 2xy + yy, B = 1 - xx, den = 1 + 2xy + xx yy.
template <class T>
inline void mobius_forward(const T* x, const T* y, int d, T* z) {
  const T xy = ddot(x, y, d), xx = ddot(x, x, d), yy = ddot(y, y, d);
  const T den = 1.0 + 2.0 * xy + xx * yy, a = (1.0 + 2.0 * xy + yy) / den, b = (1.0 - xx) / den;
  for (int i = 0; i < d; i++) z[i] = a * x[i] + b * y[i];
}

// Writes dx and dy.
template <class T>
inline void mobius_backward(const T* x, const T* y, int d, const T* dz, T* dx, T* dy) {
  const T xy = ddot(x, y, d), xx = ddot(x, x, d), yy = ddot(y, y, d);
  const T den = 1.0 + 2.0 * xy + xx * yy, a = (1.0 + 2.0 * xy + yy) / den, b = (1.0 - xx) / den;
  const T da = ddot(dz, x, d) / den, db = ddot(dz, y, d) / den, dden = -(a * da + b * db);
  const T dxy = 2.0 * da + 2.0 * dden, dxx = -db + dden * yy, dyy = da + dden * xx;
  for (int i = 0; i < d; i++) {
    dx[i] = a * dz[i] + dxy * y[i] + 2.0 * dxx * x[i];
    dy[i] = b * dz[i] + dxy * x[i] + 2.0 * dyy * y[i];
  }
}

// A rotation (sign = 1) or reflection (sign = -1) of each coordinate pair by the pair (a, b) of r, normalised to length 1:
// (a x - sign b y, b x + sign a y).
template <class T>
inline void givens_forward(const T* r, const T* x, int d, double sign, T* z) {
  for (int i = 0; i < d; i += 2) {
    const T n = tsqrt(r[i] * r[i] + r[i + 1] * r[i + 1]), inv = 1.0 / (n < kMinNorm ? fill<T>(kMinNorm) : n);
    const T a = r[i] * inv, b = r[i + 1] * inv;
    z[i] = a * x[i] - sign * b * x[i + 1];
    z[i + 1] = b * x[i] + sign * a * x[i + 1];
  }
}

// Adds to dr and dx.
template <class T>
inline void givens_backward(const T* r, const T* x, int d, double sign, const T* dz, T* dr, T* dx) {
  for (int i = 0; i < d; i += 2) {
    const T n = tsqrt(r[i] * r[i] + r[i + 1] * r[i + 1]), inv = 1.0 / (n < kMinNorm ? fill<T>(kMinNorm) : n);
    const T a = r[i] * inv, b = r[i + 1] * inv, u = dz[i], v = dz[i + 1];
    dx[i] += a * u + b * v;
    dx[i + 1] += sign * (a * v - b * u);
    const T da = x[i] * u + sign * x[i + 1] * v, db = x[i] * v - sign * x[i + 1] * u, along = a * da + b * db;
    dr[i] += (da - a * along) * inv;
    dr[i + 1] += (db - b * along) * inv;
  }
}

enum Encoder {
  kTransE, kDistE, kRotE, kRefE, kAttE, kTransH, kDistH, kRotH, kRefH, kAttH,  // the first ten in this order: see hyperbolic()
  kComplEx, kCP, kSimplE, kQuatE, kRotatE, kMuRE, kMuRP, kEncoders
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

// The relation tables that an encoder reads, one bit each.
inline uint32_t slots_of(Encoder kind) {
  auto bit = [](Slot slot) { return 1u << slot; };
  switch (kind) {
    case kRotE: return bit(kRelation) | bit(kRotation);
    case kRefE: case kRefH: return bit(kRelation) | bit(kReflection);
    case kAttE: case kAttH: return bit(kRelation) | bit(kRotation) | bit(kReflection) | bit(kContext);
    case kRotH: return bit(kRelation) | bit(kRotation) | bit(kInner);
    case kMuRE: case kMuRP: return bit(kRelation) | bit(kDiagonal);
    case kRotatE: return bit(kRotation);
    default: return bit(kRelation);
  }
}
inline bool reads(Encoder kind, Slot slot) { return (slots_of(kind) >> slot) & 1; }

// Coordinates that belong together: a dimension is a multiple of them.
inline int multiple_of(Encoder kind) {
  if (const Product* product = product_of(kind)) return product->block;
  return (slots_of(kind) & (1u << kRotation | 1u << kReflection)) ? 2 : 1;
}

inline int row_width(Encoder kind, int d) {
  const Product* product = product_of(kind);
  return product ? d / product->block * product->relation : d;
}

constexpr double kRotate = 1, kReflect = -1;

// The attention of AttE and AttH over the rotated and the reflected head: weights softmax(<context, candidate> / sqrt(d)).
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

  // After forward. Adds to dh and dr.
  void backward(const T* h, const T* const* r, int d, const T* dy, T* dh, T* const* dr) {
    const T dgap = weight_rot * weight_ref * (ddot(dy, rot, d) - ddot(dy, ref, d)) / dsqrt(d);
    T drot[kRow<T>], dref[kRow<T>];
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
template <class T>
struct Query {
  Encoder kind;
  int d;
  T s;  // sqrt(c)
  const T* h;
  const T* r[kSlots];
  T q[kRow<T>], head[kRow<T>], moved[kRow<T>], turned[kRow<T>], rel[kRow<T>], inner[kRow<T>];
  T shrink;  // by which q was projected into the ball; 1 inside
  Attention<T> attention;

  bool hyperbolic() const { return (kind >= kTransH && kind <= kAttH) || kind == kMuRP; }

  void forward() {
    shrink = fill<T>(1);
    if (const Product* product = product_of(kind)) return product_forward(*product, h, r[product_slot(kind)], d, q);
    switch (kind) {
      case kTransE: add(h, r[kRelation]); break;
      case kDistE: multiply(h, r[kRelation], fill<T>(1)); break;
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
    const T* x = head;
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
    if (kind == kDistH) multiply(head, rel, 1.0 / s);
    else if (kind == kMuRP) mobius_forward(rel, head, d, q);
    else mobius_forward(x, rel, d, q);
    const T n = tsqrt(ddot(q, q, d));
    shrink = n > kMaxTanh ? kMaxTanh / n : fill<T>(1);
    for (int i = 0; i < d; i++) q[i] *= shrink;
  }

  // After forward: dq is dL/dq. Adds to dh and dr (only the slots in use); returns dL/ds.
  T backward(T* dq, T* dh, T* const* dr) {
    T dx[kRow<T>], drel[kRow<T>], dhead[kRow<T>];
    if (!hyperbolic()) {
      if (const Product* product = product_of(kind)) {
        product_backward(*product, h, r[product_slot(kind)], d, dq, dh, dr[product_slot(kind)]);
        return T{};
      }
      if (kind == kMuRE) {
        for (int i = 0; i < d; i++) {
          dh[i] += dq[i] * r[kDiagonal][i];
          dr[kDiagonal][i] += dq[i] * h[i];
          dr[kRelation][i] -= dq[i];
        }
        return T{};
      }
      if (kind == kDistE) {
        for (int i = 0; i < d; i++) { dh[i] += dq[i] * r[kRelation][i]; dr[kRelation][i] += dq[i] * h[i]; }
        return T{};
      }
      for (int i = 0; i < d; i++) dr[kRelation][i] += dq[i];
      if (kind == kTransE) for (int i = 0; i < d; i++) dh[i] += dq[i];
      if (kind == kRotE) givens_backward(r[kRotation], h, d, kRotate, dq, dr[kRotation], dh);
      if (kind == kRefE) givens_backward(r[kReflection], h, d, kReflect, dq, dr[kReflection], dh);
      if (kind == kAttE) attention.backward(h, r, d, dq, dh, dr);
      return T{};
    }
    T ds = {};
    // A projected point moves only along its sphere.
    const T along = shrink < 1.0 ? ddot(dq, q, d) / (kMaxTanh * kMaxTanh) : T{};
    for (int i = 0; i < d; i++) dq[i] = shrink * (dq[i] - along * q[i]);
    if (kind == kDistH) {
      for (int i = 0; i < d; i++) { dhead[i] = dq[i] * rel[i] / s; drel[i] = dq[i] * head[i] / s; }
      ds -= ddot(dq, q, d) / (s * shrink);
    } else if (kind == kMuRP) {
      mobius_backward(rel, head, d, dq, drel, dhead);
      for (int i = 0; i < d; i++) drel[i] = -drel[i];
    } else {
      const T* x = kind == kRotH || kind == kRefH ? turned : head;
      mobius_backward(x, rel, d, dq, dx, drel);
      if (kind == kRotH) {
        T dmoved[kRow<T>] = {}, dinner[kRow<T>];
        givens_backward(r[kRotation], moved, d, kRotate, dx, dr[kRotation], dmoved);
        mobius_backward(head, inner, d, dmoved, dhead, dinner);
        ds += expmap_backward(r[kInner], s, d, dinner, dr[kInner]);
      } else if (kind == kRefH) {
        for (int i = 0; i < d; i++) dhead[i] = T{};
        givens_backward(r[kReflection], head, d, kReflect, dx, dr[kReflection], dhead);
      } else {
        for (int i = 0; i < d; i++) dhead[i] = dx[i];
      }
    }
    ds += expmap_backward(r[kRelation], s, d, drel, dr[kRelation]);
    if (kind == kAttH) {
      T datt[kRow<T>] = {};
      ds += expmap_backward(turned, s, d, dhead, datt);
      attention.backward(h, r, d, datt, dh, dr);
    } else if (kind == kMuRP) {
      T dturned[kRow<T>] = {};
      ds += expmap_backward(turned, s, d, dhead, dturned);
      for (int i = 0; i < d; i++) { dh[i] += dturned[i] * r[kDiagonal][i]; dr[kDiagonal][i] += dturned[i] * h[i]; }
    } else {
      ds += expmap_backward(h, s, d, dhead, dh);
    }
    return ds;
  }

 private:
  void add(const T* x, const T* y) { for (int i = 0; i < d; i++) q[i] = x[i] + y[i]; }
  void multiply(const T* x, const T* y, T f) { for (int i = 0; i < d; i++) q[i] = f * x[i] * y[i]; }
};

// How many queries a T holds, and query j of them.
template <class T>
constexpr int kLanes = sizeof(T) / sizeof(double);
template <class T>
MULDE_INLINE void set_lane(T* x, int j, double value) { ((double*)x)[j] = value; }
template <class T>
MULDE_INLINE double lane(const T* x, int j) { return ((const double*)x)[j]; }

// What both kernels read.
struct EncoderInputs {
  Encoder kind;
  int batch, d, stride;
  const float* entity;
  float* tables[kSlots];
  const int32_t *heads, *relations;
  const float* curvatures;

  explicit EncoderInputs(const Args& a)
      : kind((Encoder)a.count(0)), batch(a.count(1)), d(a.count(2)), stride(row_stride(d)), entity(a.f32(3)),
        tables{a.f32(4), a.f32(5), a.f32(6), a.f32(7), a.f32(8), a.f32(9)}, heads(a.i32(10)), relations(a.i32(11)), curvatures(a.f32(12)) {}
};

struct EncoderShape {
  Encoder kind;
  int64_t batch, d, width;
};

inline EncoderShape check_encoder(Checker& c) {
  const Encoder kind = (Encoder)c.whole(0, 0, kEncoders - 1);
  const int64_t batch = c.whole(1), d = c.whole(2, 1, kMaxDim);
  const int64_t multiple = multiple_of(kind), width = row_width(kind, (int)d);
  if (d % multiple != 0) c.whole(2, d + multiple - d % multiple);
  // A relation must be a row of every table that is there.
  int64_t relations = kMaxCount + 1;
  for (int k = 0; k < kSlots; k++) {
    if (reads(kind, (Slot)k)) c.present(4 + k);
    if (!c.given(4 + k)) continue;
    const int64_t rows = c.rows_of(4 + k, width);
    relations = rows < relations ? rows : relations;
  }
  c.ids(10, batch, c.rows_of(3, d));
  c.ids(11, batch, relations);
  c.holds(12, batch);
  return {kind, batch, d, width};
}

template <class T>
inline void widen(const float* row, int d, T* out, int j) { for (int i = 0; i < d; i++) set_lane(out + i, j, row[i]); }
template <class T>
inline void narrow(const T* row, int d, float* out, int j) { for (int i = 0; i < d; i++) out[i] = (float)lane(row + i, j); }

// Rows h and r of the tables as doubles, ready for Query.
template <class T>
struct QueryRows {
  T h[kRow<T>], r[kSlots][kRow<T>];

  // Queries first .. first + kLanes - 1; the last one of all once more where there are none.
  void read(Query<T>& q, const EncoderInputs& x, int first) {
    const int width = row_width(x.kind, x.d);
    q.kind = x.kind;
    q.d = x.d;
    q.h = h;
    for (int k = 0; k < kSlots; k++) q.r[k] = r[k];
    // Rows come in no order: all are asked for before the first is read.
    for (int b = first; b < first + kLanes<T> && b < x.batch; b++) {
      prefetch_row(x.entity + (size_t)x.heads[b] * x.d, x.d);
      for (int k = 0; k < kSlots; k++)
        if (x.tables[k]) prefetch_row(x.tables[k] + (size_t)x.relations[b] * width, width);
    }
    for (int j = 0; j < kLanes<T>; j++) {
      const int b = first + j < x.batch ? first + j : x.batch - 1;
      set_lane(&q.s, j, dsqrt(x.curvatures ? x.curvatures[b] : 1));
      widen(x.entity + (size_t)x.heads[b] * x.d, x.d, h, j);
      for (int k = 0; k < kSlots; k++)
        if (x.tables[k]) widen(x.tables[k] + (size_t)x.relations[b] * width, width, r[k], j);
    }
  }
};

// f(first, number of queries) for groups of as many queries as a T holds, on all threads.
template <class T, class F>
void encoder_groups(int batch, const F& f) {
  parallel((batch + kLanes<T> - 1) / kLanes<T>, 16 / kLanes<T>, [&](int begin, int end, int) {
    for (int first = begin * kLanes<T>; first < end * kLanes<T>; first += kLanes<T>)
      f(first, batch - first < kLanes<T> ? batch - first : kLanes<T>);
  });
}

template <class T>
void encode_rows(const EncoderInputs& x, float* q, float* square, float* alpha) {
  const int d = x.d, stride = x.stride;
  encoder_groups<T>(x.batch, [&](int first, int count) {
    Query<T> query;
    QueryRows<T> rows;
    rows.read(query, x, first);
    query.forward();
    const T squares = ddot(query.q, query.q, d);
    for (int j = 0; j < count; j++) {
      const size_t b = first + j;
      narrow(query.q, d, q + b * stride, j);
      for (int i = d; i < stride; i++) q[b * stride + i] = 0;
      const double sq = lane(&squares, j);
      square[b] = (float)sq;
      alpha[b] = query.hyperbolic() ? (float)(1 / (1 - sq)) : 1.0f;
    }
  });
}

// encode(kind, batch, dim, entity, 6 relation tables or null, heads, relations, curvature (B) or null,
//        q (B x stride), square (B), alpha (B))
// square = |q|^2 and alpha = 1 / (1 - |q|^2) of the unit-ball point.
inline void check_encode(Checker& c) {
  const EncoderShape x = check_encoder(c);
  c.holds(13, times(x.batch, row_stride((int)x.d)));
  c.all_hold(14, 15, x.batch);
}
inline void encode(Args a) {
  const EncoderInputs x(a);
  if (x.d <= kLaneDim) encode_rows<vd>(x, a.f32(13), a.f32(14), a.f32(15));
  else encode_rows<double>(x, a.f32(13), a.f32(14), a.f32(15));
}

template <class T>
void encode_rows_backward(const EncoderInputs& x, const float* dq, float* dhead, float* const* dtables, double* dcurvature) {
  const int d = x.d, width = row_width(x.kind, d);
  encoder_groups<T>(x.batch, [&](int first, int count) {
    Query<T> query;
    QueryRows<T> rows, grads;
    T g[kRow<T>];
    T* dr[kSlots];
    rows.read(query, x, first);
    query.forward();
    for (int i = 0; i < d; i++) g[i] = grads.h[i] = T{};
    for (int j = 0; j < count; j++) widen(dq + (size_t)(first + j) * x.stride, d, g, j);
    for (int k = 0; k < kSlots; k++) {
      dr[k] = grads.r[k];
      if (x.tables[k]) for (int i = 0; i < width; i++) dr[k][i] = T{};
    }
    const T ds = query.backward(g, grads.h, dr) / (2.0 * query.s);
    for (int j = 0; j < count; j++) {
      const size_t b = first + j;
      if (query.hyperbolic()) dcurvature[b] += lane(&ds, j);
      narrow(grads.h, d, dhead + b * d, j);
      for (int k = 0; k < kSlots; k++)
        if (dtables[k]) narrow(dr[k], width, dtables[k] + b * width, j);
    }
  });
}

// encodeBackward(... as encode up to curvature ..., dq (B x stride), dHead (B x dim), 6 x dTable (B x width) or null,
//                dCurvature (B, float64, added to))
inline void check_encode_backward(Checker& c) {
  const EncoderShape x = check_encoder(c);
  c.holds(13, times(x.batch, row_stride((int)x.d)));
  c.holds(14, times(x.batch, x.d));
  for (int k = 0; k < kSlots; k++) {
    if (reads(x.kind, (Slot)k)) c.present(15 + k);
    else if (c.given(15 + k)) c.present(4 + k);
    c.holds(15 + k, times(x.batch, x.width));
  }
  c.holds(21, x.batch);
}
inline void encode_backward(Args a) {
  const EncoderInputs x(a);
  float* const dtables[kSlots] = {a.f32(15), a.f32(16), a.f32(17), a.f32(18), a.f32(19), a.f32(20)};
  if (x.d <= kLaneDim) encode_rows_backward<vd>(x, a.f32(13), a.f32(14), dtables, a.f64(21));
  else encode_rows_backward<double>(x, a.f32(13), a.f32(14), dtables, a.f64(21));
}

}  // namespace MULDE_ISA
}  // namespace mulde
