// Building blocks of encoders and points, in float64: the exponential map, Mobius addition, Givens rotations. T is a double, or a vector of them
// for that many queries at once. A _forward function writes its last argument. A _backward function takes the gradient by that argument.
//
// Hyperbolic models work in the unit ball: with s = sqrt(c), x_unit = s x maps the ball of curvature -c to the ball of curvature -1. Mobius
// addition commutes with this map, and expmap0(u) becomes tanh(s |u|) u / |u|. The curvature then only enters there and in the final score
// -arcosh(...)^2 / c.
#pragma once
#include "elementary.h"

namespace mulde {
namespace MULDE_ISA {

constexpr double kMaxTanh = 1 - 1e-5;  // Points are projected to sqrt(c) |x| <= 1 - 1e-5, where 1 - c|x|^2 = 2e-5 still has enough exact digits.
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

// expmap0 in the unit ball: y = g u with g = tanh(s n) / n, n = |u|. `slope` is dg/dn divided by n; `by_s` is d(g n)/ds divided by n.
template <class T>
struct ExpMap {
  T g, slope, by_s;
};

template <class T>
MULDE_INLINE ExpMap<T> expmap(T n, T s) {
  n = n < kMinNorm ? fill<T>(kMinNorm) : n;
  const T a = s * n, t = ttanh(a), sech2 = 1.0 - t * t, cube = n * n * n;
  const auto beyond = t > kMaxTanh;
  // (s sech^2(a) n - tanh(a)) / n^3. For small a, cancellation would hide the leading term -2 s^3 / 3.
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
MULDE_INLINE void givens_backward_inline(const T* r, const T* x, int d, double sign, const T* dz, T* dr, T* dx) {
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
// One copy for all callers: GCC 12 fuses multiply-adds here despite -ffp-contract=off, and fuses others where it knows the sign.
template <class T>
MULDE_OUTLINE void givens_backward(const T* r, const T* x, int d, double sign, const T* dz, T* dr, T* dx) {
  givens_backward_inline(r, x, d, sign, dz, dr, dx);
}

}  // namespace MULDE_ISA
}  // namespace mulde
