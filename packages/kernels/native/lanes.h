// Rows of floats as the lanes of vectors of doubles, and back. T is a double or a vector of them.
#pragma once
#include "simd.h"

namespace mulde {
namespace MULDE_ISA {

// The number of queries in a T, and access to query j.
template <class T>
constexpr int kLanes = sizeof(T) / sizeof(double);
template <class T>
MULDE_INLINE void set_lane(T* x, int j, double value) { ((double*)x)[j] = value; }
template <class T>
MULDE_INLINE double lane(const T* x, int j) { return ((const double*)x)[j]; }

template <class T>
inline void widen(const float* row, int d, T* out, int j, int from = 0) { for (int i = from; i < d; i++) set_lane(out + i, j, row[i]); }
template <class T>
inline void narrow(const T* row, int d, float* out, int j, int from = 0) { for (int i = from; i < d; i++) out[i] = (float)lane(row + i, j); }

#if defined(__AVX512F__) || defined(__AVX2__)
// Four columns of four rows, transposed in place.
struct Quad {
  __m128 r0, r1, r2, r3;
  MULDE_INLINE void transpose() { _MM_TRANSPOSE4_PS(r0, r1, r2, r3); }
};

// Columns i .. i + 3 of WD rows.
MULDE_INLINE void widen_columns(const float* const* rows, int i, vd* out) {
  Quad low = {_mm_loadu_ps(rows[0] + i), _mm_loadu_ps(rows[1] + i), _mm_loadu_ps(rows[2] + i), _mm_loadu_ps(rows[3] + i)};
  low.transpose();
#if defined(__AVX512F__)
  Quad high = {_mm_loadu_ps(rows[4] + i), _mm_loadu_ps(rows[5] + i), _mm_loadu_ps(rows[6] + i), _mm_loadu_ps(rows[7] + i)};
  high.transpose();
  out[0] = (vd)_mm512_cvtps_pd(_mm256_set_m128(high.r0, low.r0));
  out[1] = (vd)_mm512_cvtps_pd(_mm256_set_m128(high.r1, low.r1));
  out[2] = (vd)_mm512_cvtps_pd(_mm256_set_m128(high.r2, low.r2));
  out[3] = (vd)_mm512_cvtps_pd(_mm256_set_m128(high.r3, low.r3));
#else
  out[0] = (vd)_mm256_cvtps_pd(low.r0);
  out[1] = (vd)_mm256_cvtps_pd(low.r1);
  out[2] = (vd)_mm256_cvtps_pd(low.r2);
  out[3] = (vd)_mm256_cvtps_pd(low.r3);
#endif
}
MULDE_INLINE void narrow_columns(const vd* in, int i, float* const* rows) {
#if defined(__AVX512F__)
  const __m256 a = _mm512_cvtpd_ps((__m512d)in[0]), b = _mm512_cvtpd_ps((__m512d)in[1]);
  const __m256 c = _mm512_cvtpd_ps((__m512d)in[2]), d = _mm512_cvtpd_ps((__m512d)in[3]);
  Quad low = {_mm256_castps256_ps128(a), _mm256_castps256_ps128(b), _mm256_castps256_ps128(c), _mm256_castps256_ps128(d)};
  Quad high = {_mm256_extractf128_ps(a, 1), _mm256_extractf128_ps(b, 1), _mm256_extractf128_ps(c, 1), _mm256_extractf128_ps(d, 1)};
  high.transpose();
  _mm_storeu_ps(rows[4] + i, high.r0);
  _mm_storeu_ps(rows[5] + i, high.r1);
  _mm_storeu_ps(rows[6] + i, high.r2);
  _mm_storeu_ps(rows[7] + i, high.r3);
#else
  Quad low = {_mm256_cvtpd_ps((__m256d)in[0]), _mm256_cvtpd_ps((__m256d)in[1]), _mm256_cvtpd_ps((__m256d)in[2]), _mm256_cvtpd_ps((__m256d)in[3])};
#endif
  low.transpose();
  _mm_storeu_ps(rows[0] + i, low.r0);
  _mm_storeu_ps(rows[1] + i, low.r1);
  _mm_storeu_ps(rows[2] + i, low.r2);
  _mm_storeu_ps(rows[3] + i, low.r3);
}

// Whole groups of columns; returns how many columns that were.
inline int widen_groups(const float* const* rows, int d, vd* out) {
  int i = 0;
  for (; i + 4 <= d; i += 4) widen_columns(rows, i, out + i);
  return i;
}
inline int narrow_groups(const vd* in, int d, float* const* rows) {
  int i = 0;
  for (; i + 4 <= d; i += 4) narrow_columns(in + i, i, rows);
  return i;
}
#else
inline int widen_groups(const float* const*, int, vd*) { return 0; }
inline int narrow_groups(const vd*, int, float* const*) { return 0; }
#endif
inline int widen_groups(const float* const*, int, double*) { return 0; }
inline int narrow_groups(const double*, int, float* const*) { return 0; }

// Reads the first `count` of kLanes rows into lanes, and writes them back.
template <class T>
inline void widen_rows(const float* const* rows, int count, int d, T* out) {
  const int done = count == kLanes<T> ? widen_groups(rows, d, out) : 0;
  for (int j = 0; j < count; j++) widen(rows[j], d, out, j, done);
}
template <class T>
inline void narrow_rows(const T* in, int count, int d, float* const* rows) {
  const int done = count == kLanes<T> ? narrow_groups(in, d, rows) : 0;
  for (int j = 0; j < count; j++) narrow(in, d, rows[j], j, done);
}

}  // namespace MULDE_ISA
}  // namespace mulde
