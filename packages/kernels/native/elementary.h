// exp, log and functions built from them, for vectors of floats and for doubles. They need no C library.
#pragma once
#include "simd.h"

namespace mulde {
namespace MULDE_ISA {

// exp(x) for x <= 88, with a relative error of 2e-7. Arguments below -87 count as -87, so that no result is subnormal. NaN stays NaN, because
// max then returns its second operand; a diverged model therefore has a NaN loss. The polynomial is the minimax one of its degree on
// +-ln 2 / 2 (relative error 1e-7).
MULDE_INLINE vf vexp(vf x) {
  x = vmax(set1(-87.0f), x);
  const vf n = round_nearest(mul(x, set1(1.44269504f)));
#if defined(__wasm_simd128__)
  // There is no fused multiply-add, so ln 2 is split in two. The first part has few enough bits for n times it to be exact.
  vf r = fnma(n, set1(0.693359375f), x);
  r = fnma(n, set1(-2.12194440e-4f), r);
#else
  const vf r = fnma(n, set1(0.693147181f), x);
#endif
  vf p = set1(0.00831244495029f);
  p = fma(p, r, set1(0.0418905436564f));
  p = fma(p, r, set1(0.166671167137f));
  p = fma(p, r, set1(0.499992289082f));
  p = fma(p, mul(r, r), r);
  return scale2(add(p, set1(1.0f)), n);
}

// log(1 + y) for y >= 0, with a relative error of 3e-7. With 1 + y = m 2^e, m in [sqrt(1/2), sqrt 2) and f = m - 1, log m = f + f^2 p(f), where p
// is the minimax polynomial of degree 7 (relative error 3e-8). Where e = 0, f is y itself, because 1 + y was rounded; this also keeps
// NaN a NaN.
MULDE_INLINE vf vlog1p(vf y) {
  vf e;
  const vf m = split(add(set1(1.0f), y), &e);
  const vf f = select(lt(set1(0.414213f), y), sub(m, set1(1.0f)), y);
  vf p = set1(0.087360243259f);
  p = fma(p, f, set1(-0.143072899212f));
  p = fma(p, f, set1(0.149174356617f));
  p = fma(p, f, set1(-0.165705462736f));
  p = fma(p, f, set1(0.199621349292f));
  p = fma(p, f, set1(-0.25001753094f));
  p = fma(p, f, set1(0.333339483164f));
  p = fma(p, f, set1(-0.499999916442f));
#if defined(__wasm_simd128__)
  // ln 2 in two parts, as in vexp; the small terms are added first.
  return fma(e, set1(0.693359375f), add(f, fma(e, set1(-2.12194440e-4f), mul(p, mul(f, f)))));
#else
  return fma(e, set1(0.693147181f), fma(p, mul(f, f), f));
#endif
}

// log(1 + exp(x)) and 1 / (1 + exp(-x)), neither of which overflows.
MULDE_INLINE void softplus_sigmoid(vf x, vf* softplus, vf* sigmoid) {
  const vf ax = vmax(x, sub(zero(), x));
  const vf t = vexp(sub(zero(), ax));
  *softplus = add(vmax(x, zero()), vlog1p(t));
  const vf s = div(set1(1.0f), add(set1(1.0f), t));
  *sigmoid = select(lt(x, zero()), mul(t, s), s);
}

// tanh(x) for x >= 0 with a relative error of 4e-7, and cosh^2(x), the reciprocal of its derivative. Callers cap x where tanh = 1 - 1e-5.
MULDE_INLINE void vtanh(vf x, vf* t, vf* cosh2) {
  const vf x2 = mul(x, x);
  vf p = set1(62.0f / 2835);
  p = fma(p, x2, set1(-17.0f / 315));
  p = fma(p, x2, set1(2.0f / 15));
  p = fma(p, x2, set1(-1.0f / 3));
  const vf small = fma(mul(p, x2), x, x);
  const vf e = vexp(mul(x, set1(-2.0f)));
  const vf one_e = add(set1(1.0f), e);
  const vf large = div(sub(set1(1.0f), e), one_e);
  *t = select(lt(x, set1(0.25f)), small, large);
  *cosh2 = div(mul(one_e, one_e), mul(set1(4.0f), e));
}

// exp of a double: reduction to |r| <= ln2 / 2 and a Taylor polynomial of degree 13 (remainder below 1e-17).
inline double dexp(double x) {
  if (x != x) return x;
  if (x > 709) x = 709;
  if (x < -708) return 0;
  const double n = (double)(int64_t)(x * 1.4426950408889634 + (x < 0 ? -0.5 : 0.5));
  const double r = (x - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;
  // Even and odd powers are summed apart: two short dependency chains instead of a long one.
  const double w = r * r;
  double even = 1.0 / 479001600, odd = 1.0 / 6227020800;
  static const double even_terms[] = {1, 1.0 / 2, 1.0 / 24, 1.0 / 720, 1.0 / 40320, 1.0 / 3628800};
  static const double odd_terms[] = {1, 1.0 / 6, 1.0 / 120, 1.0 / 5040, 1.0 / 362880, 1.0 / 39916800};
  for (int k = 5; k >= 0; k--) {
    even = even * w + even_terms[k];
    odd = odd * w + odd_terms[k];
  }
  const double p = even + r * odd;
  union { uint64_t u; double d; } scale;
  scale.u = (uint64_t)((int64_t)n + 1023) << 52;
  return p * scale.d;
}

// log of a normal positive double, by the artanh series.
inline double dlog(double x) {
  if (x != x) return x;
  union { uint64_t u; double d; } v;
  v.d = x;
  int64_t e = (int64_t)(v.u >> 52) - 1023;
  v.u = (v.u & 0x000fffffffffffffull) | 0x3ff0000000000000ull;
  double m = v.d;
  if (m > 1.4142135623730951) { m *= 0.5; e += 1; }
  const double z = (m - 1) / (m + 1), w = z * z;
  static const double odd[] = {1.0, 1.0 / 3, 1.0 / 5, 1.0 / 7, 1.0 / 9, 1.0 / 11, 1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21};
  double p = 0;
  for (int k = 10; k >= 0; k--) p = p * w + odd[k];
  return (double)e * 0.6931471805599453 + 2 * z * p;
}

inline double dtanh(double x) {
  if (x < 0) return -dtanh(-x);
  if (x < 0.1) {  // The quotient below would lose digits to cancellation.
    const double w = x * x;
    return x * (1 + w * (-1.0 / 3 + w * (2.0 / 15 + w * (-17.0 / 315 + w * (62.0 / 2835 + w * (-1382.0 / 155925 +
           w * (21844.0 / 6081075)))))));
  }
  const double e = dexp(-2 * x);
  return (1 - e) / (1 + e);
}

inline double dsqrt(double x) { return __builtin_sqrt(x); }

// The same names for one double and for a vector of them.
inline double tsqrt(double x) { return dsqrt(x); }
inline double ttanh(double x) { return dtanh(x); }
inline double texp(double x) { return dexp(x); }
template <class T>
MULDE_INLINE T fill(double x) { return T{} + x; }

// The inner product of two rows of floats. (Compilers add up a reduction's lanes one by one, which takes longer than the row itself.)
inline double dot_rows(const float* x, const float* y, int d) {
  vd sums = {};
  int k = 0;
  for (; k + WD <= d; k += WD) sums += load_doubles(x + k) * load_doubles(y + k);
  double sum = sum_doubles(sums);
  for (; k < d; k++) sum += (double)x[k] * y[k];
  return sum;
}

// exp(x) for -700 <= x <= 700, like dexp. Adding 1.5 2^52 rounds to a whole number and leaves it in the low bits.
MULDE_INLINE vd texp(vd x) {
  const double round = 6755399441055744.0;
  const vd shifted = x * 1.4426950408889634 + round;
  const vd n = shifted - round;
  const vd r = (x - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10, w = r * r;
  vd even = w * (1.0 / 479001600) + 1.0 / 3628800, odd = w * (1.0 / 6227020800) + 1.0 / 39916800;
  even = even * w + 1.0 / 40320;
  odd = odd * w + 1.0 / 362880;
  even = even * w + 1.0 / 720;
  odd = odd * w + 1.0 / 5040;
  even = even * w + 1.0 / 24;
  odd = odd * w + 1.0 / 120;
  even = even * w + 1.0 / 2;
  odd = odd * w + 1.0 / 6;
  even = even * w + 1.0;
  odd = odd * w + 1.0;
  return (vd)((vu)(even + r * odd) + ((vu)shifted << 52));
}

// tanh(x) for x >= 0, like dtanh. NaN stays NaN.
MULDE_INLINE vd ttanh(vd x) {
  const vd w = x * x;
  vd p = w * (21844.0 / 6081075) - 1382.0 / 155925;
  p = p * w + 62.0 / 2835;
  p = p * w - 17.0 / 315;
  p = p * w + 2.0 / 15;
  p = p * w - 1.0 / 3;
  const vd e = texp((x > 300.0 ? vd{} + 300.0 : x) * -2.0);
  return x < 0.1 ? x + x * (w * p) : (1.0 - e) / (1.0 + e);
}

}  // namespace MULDE_ISA
}  // namespace mulde
