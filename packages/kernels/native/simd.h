// Names the vector operations the kernels use, for AVX-512, AVX2 + FMA, NEON and WebAssembly SIMD128.
// `vf` holds W floats and `vm` the result of a comparison. Loads and stores work at any address.
#pragma once
#include <stddef.h>
#include <stdint.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#define MULDE_ISA avx512
#elif defined(__AVX2__)
#include <immintrin.h>
#define MULDE_ISA avx2
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#define MULDE_ISA neon
#elif defined(__wasm_simd128__)
#include <wasm_simd128.h>
#define MULDE_ISA wasm
#else
#error "no vector unit: build the WebAssembly version instead"
#endif

#define MULDE_INLINE inline __attribute__((always_inline))
// Compiles one copy of a function, which all callers share.
#if defined(__clang__)
#define MULDE_OUTLINE __attribute__((noinline))
#else
#define MULDE_OUTLINE __attribute__((noipa))
#endif

namespace mulde {
namespace MULDE_ISA {

// The bits of sqrt(1/2). split(x, &e) returns m in [sqrt(1/2), sqrt 2) and sets e, with x = m 2^e for normal positive x.
constexpr int32_t kSplit = 0x3f3504f3;

#if defined(__AVX512F__)
constexpr int W = 16;
typedef __m512 vf;
typedef __mmask16 vm;
MULDE_INLINE vf load(const float* p) { return _mm512_loadu_ps(p); }
MULDE_INLINE void store(float* p, vf a) { _mm512_storeu_ps(p, a); }
MULDE_INLINE vf set1(float a) { return _mm512_set1_ps(a); }
MULDE_INLINE vf add(vf a, vf b) { return _mm512_add_ps(a, b); }
MULDE_INLINE vf sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
MULDE_INLINE vf mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
MULDE_INLINE vf div(vf a, vf b) { return _mm512_div_ps(a, b); }
MULDE_INLINE vf fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
MULDE_INLINE vf fnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); }
MULDE_INLINE vf vmin(vf a, vf b) { return _mm512_min_ps(a, b); }
MULDE_INLINE vf vmax(vf a, vf b) { return _mm512_max_ps(a, b); }
MULDE_INLINE vf vsqrt(vf a) { return _mm512_sqrt_ps(a); }
MULDE_INLINE vf vor(vf a, vf b) { return _mm512_or_ps(a, b); }
MULDE_INLINE vm lt(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
MULDE_INLINE vm le(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
MULDE_INLINE vm eq(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
MULDE_INLINE vf select(vm m, vf yes, vf no) { return _mm512_mask_blend_ps(m, no, yes); }
MULDE_INLINE uint32_t bits(vm m) { return m; }
MULDE_INLINE vf round_nearest(vf a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
// a * 2^n for a whole n
MULDE_INLINE vf scale2(vf a, vf n) { return _mm512_scalef_ps(a, n); }
// x = m * 2^e with m in [1, 2)
MULDE_INLINE vf split(vf x, vf* e) {
  const __m512i above = _mm512_sub_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(kSplit));
  *e = _mm512_cvtepi32_ps(_mm512_srai_epi32(above, 23));
  return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_and_si512(above, _mm512_set1_epi32(0x007fffff)), _mm512_set1_epi32(kSplit)));
}
MULDE_INLINE vf gather(const float* base, const int32_t* ids) {
  return _mm512_i32gather_ps(_mm512_loadu_si512(ids), base, 4);
}
MULDE_INLINE float hsum(vf a) {
  __m256 h = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
  __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  q = _mm_add_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_add_ss(q, _mm_shuffle_ps(q, q, 1)));
}
#elif defined(__AVX2__)
constexpr int W = 8;
typedef __m256 vf;
typedef __m256 vm;
MULDE_INLINE vf load(const float* p) { return _mm256_loadu_ps(p); }
MULDE_INLINE void store(float* p, vf a) { _mm256_storeu_ps(p, a); }
MULDE_INLINE vf set1(float a) { return _mm256_set1_ps(a); }
MULDE_INLINE vf add(vf a, vf b) { return _mm256_add_ps(a, b); }
MULDE_INLINE vf sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
MULDE_INLINE vf mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
MULDE_INLINE vf div(vf a, vf b) { return _mm256_div_ps(a, b); }
MULDE_INLINE vf fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
MULDE_INLINE vf fnma(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); }
MULDE_INLINE vf vmin(vf a, vf b) { return _mm256_min_ps(a, b); }
MULDE_INLINE vf vmax(vf a, vf b) { return _mm256_max_ps(a, b); }
MULDE_INLINE vf vsqrt(vf a) { return _mm256_sqrt_ps(a); }
MULDE_INLINE vf vor(vf a, vf b) { return _mm256_or_ps(a, b); }
MULDE_INLINE vm lt(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
MULDE_INLINE vm le(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_LE_OQ); }
MULDE_INLINE vm eq(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
MULDE_INLINE vf select(vm m, vf yes, vf no) { return _mm256_blendv_ps(no, yes, m); }
MULDE_INLINE uint32_t bits(vm m) { return (uint32_t)_mm256_movemask_ps(m); }
MULDE_INLINE vf round_nearest(vf a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
MULDE_INLINE vf scale2(vf a, vf n) {
  __m256i e = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
  return _mm256_mul_ps(a, _mm256_castsi256_ps(e));
}
MULDE_INLINE vf split(vf x, vf* e) {
  const __m256i above = _mm256_sub_epi32(_mm256_castps_si256(x), _mm256_set1_epi32(kSplit));
  *e = _mm256_cvtepi32_ps(_mm256_srai_epi32(above, 23));
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_and_si256(above, _mm256_set1_epi32(0x007fffff)), _mm256_set1_epi32(kSplit)));
}
MULDE_INLINE vf gather(const float* base, const int32_t* ids) {
  return _mm256_i32gather_ps(base, _mm256_loadu_si256((const __m256i*)ids), 4);
}
MULDE_INLINE float hsum(vf a) {
  __m128 q = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  q = _mm_add_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_add_ss(q, _mm_shuffle_ps(q, q, 1)));
}
#elif defined(__ARM_NEON)
constexpr int W = 4;
typedef float32x4_t vf;
typedef uint32x4_t vm;
MULDE_INLINE vf load(const float* p) { return vld1q_f32(p); }
MULDE_INLINE void store(float* p, vf a) { vst1q_f32(p, a); }
MULDE_INLINE vf set1(float a) { return vdupq_n_f32(a); }
MULDE_INLINE vf add(vf a, vf b) { return vaddq_f32(a, b); }
MULDE_INLINE vf sub(vf a, vf b) { return vsubq_f32(a, b); }
MULDE_INLINE vf mul(vf a, vf b) { return vmulq_f32(a, b); }
MULDE_INLINE vf div(vf a, vf b) { return vdivq_f32(a, b); }
MULDE_INLINE vf fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
MULDE_INLINE vf fnma(vf a, vf b, vf c) { return vfmsq_f32(c, a, b); }
MULDE_INLINE vf vmin(vf a, vf b) { return vminq_f32(a, b); }
MULDE_INLINE vf vmax(vf a, vf b) { return vmaxq_f32(a, b); }
MULDE_INLINE vf vsqrt(vf a) { return vsqrtq_f32(a); }
MULDE_INLINE vf vor(vf a, vf b) { return vreinterpretq_f32_u32(vorrq_u32(vreinterpretq_u32_f32(a), vreinterpretq_u32_f32(b))); }
MULDE_INLINE vm lt(vf a, vf b) { return vcltq_f32(a, b); }
MULDE_INLINE vm le(vf a, vf b) { return vcleq_f32(a, b); }
MULDE_INLINE vm eq(vf a, vf b) { return vceqq_f32(a, b); }
MULDE_INLINE vf select(vm m, vf yes, vf no) { return vbslq_f32(m, yes, no); }
MULDE_INLINE uint32_t bits(vm m) {
  const uint32x4_t weight = {1, 2, 4, 8};
  return vaddvq_u32(vandq_u32(m, weight));
}
MULDE_INLINE vf round_nearest(vf a) { return vrndnq_f32(a); }
MULDE_INLINE vf scale2(vf a, vf n) {
  int32x4_t e = vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127)), 23);
  return vmulq_f32(a, vreinterpretq_f32_s32(e));
}
MULDE_INLINE vf split(vf x, vf* e) {
  const int32x4_t above = vsubq_s32(vreinterpretq_s32_f32(x), vdupq_n_s32(kSplit));
  *e = vcvtq_f32_s32(vshrq_n_s32(above, 23));
  return vreinterpretq_f32_s32(vaddq_s32(vandq_s32(above, vdupq_n_s32(0x007fffff)), vdupq_n_s32(kSplit)));
}
MULDE_INLINE vf gather(const float* base, const int32_t* ids) {
  const float lanes[4] = {base[ids[0]], base[ids[1]], base[ids[2]], base[ids[3]]};
  return vld1q_f32(lanes);
}
MULDE_INLINE float hsum(vf a) { return vaddvq_f32(a); }
#else
constexpr int W = 4;
typedef v128_t vf;
typedef v128_t vm;
MULDE_INLINE vf load(const float* p) { return wasm_v128_load(p); }
MULDE_INLINE void store(float* p, vf a) { wasm_v128_store(p, a); }
MULDE_INLINE vf set1(float a) { return wasm_f32x4_splat(a); }
MULDE_INLINE vf add(vf a, vf b) { return wasm_f32x4_add(a, b); }
MULDE_INLINE vf sub(vf a, vf b) { return wasm_f32x4_sub(a, b); }
MULDE_INLINE vf mul(vf a, vf b) { return wasm_f32x4_mul(a, b); }
MULDE_INLINE vf div(vf a, vf b) { return wasm_f32x4_div(a, b); }
MULDE_INLINE vf fma(vf a, vf b, vf c) { return wasm_f32x4_add(wasm_f32x4_mul(a, b), c); }
MULDE_INLINE vf fnma(vf a, vf b, vf c) { return wasm_f32x4_sub(c, wasm_f32x4_mul(a, b)); }
// The pseudo forms compile to one x86 instruction. Like it, they return the second operand if either is NaN.
MULDE_INLINE vf vmin(vf a, vf b) { return wasm_f32x4_pmin(b, a); }
MULDE_INLINE vf vmax(vf a, vf b) { return wasm_f32x4_pmax(b, a); }
MULDE_INLINE vf vsqrt(vf a) { return wasm_f32x4_sqrt(a); }
MULDE_INLINE vf vor(vf a, vf b) { return wasm_v128_or(a, b); }
MULDE_INLINE vm lt(vf a, vf b) { return wasm_f32x4_lt(a, b); }
MULDE_INLINE vm le(vf a, vf b) { return wasm_f32x4_le(a, b); }
MULDE_INLINE vm eq(vf a, vf b) { return wasm_f32x4_eq(a, b); }
MULDE_INLINE vf select(vm m, vf yes, vf no) { return wasm_v128_bitselect(yes, no, m); }
MULDE_INLINE uint32_t bits(vm m) { return wasm_i32x4_bitmask(m); }
MULDE_INLINE vf round_nearest(vf a) { return wasm_f32x4_nearest(a); }
MULDE_INLINE vf scale2(vf a, vf n) {
  v128_t e = wasm_i32x4_shl(wasm_i32x4_add(wasm_i32x4_trunc_sat_f32x4(n), wasm_i32x4_splat(127)), 23);
  return wasm_f32x4_mul(a, e);
}
MULDE_INLINE vf split(vf x, vf* e) {
  const v128_t above = wasm_i32x4_sub(x, wasm_i32x4_splat(kSplit));
  *e = wasm_f32x4_convert_i32x4(wasm_i32x4_shr(above, 23));
  return wasm_i32x4_add(wasm_v128_and(above, wasm_i32x4_splat(0x007fffff)), wasm_i32x4_splat(kSplit));
}
MULDE_INLINE vf gather(const float* base, const int32_t* ids) {
  return wasm_f32x4_make(base[ids[0]], base[ids[1]], base[ids[2]], base[ids[3]]);
}
MULDE_INLINE float hsum(vf a) {
  return (wasm_f32x4_extract_lane(a, 0) + wasm_f32x4_extract_lane(a, 2)) +
         (wasm_f32x4_extract_lane(a, 1) + wasm_f32x4_extract_lane(a, 3));
}
#endif

MULDE_INLINE vf zero() { return set1(0.0f); }

// WD doubles in a vector.
#if defined(__AVX512F__)
constexpr int WD = 8;
#else
constexpr int WD = 4;
#endif
typedef double vd __attribute__((vector_size(8 * WD)));
typedef uint64_t vu __attribute__((vector_size(8 * WD)));
#if defined(__AVX512F__)
MULDE_INLINE vd load_doubles(const float* p) { return (vd)_mm512_cvtps_pd(_mm256_loadu_ps(p)); }
MULDE_INLINE void store_floats(float* p, vd a) { _mm256_storeu_ps(p, _mm512_cvtpd_ps((__m512d)a)); }
MULDE_INLINE vd tsqrt(vd a) { return (vd)_mm512_sqrt_pd((__m512d)a); }
#elif defined(__AVX2__)
MULDE_INLINE vd load_doubles(const float* p) { return (vd)_mm256_cvtps_pd(_mm_loadu_ps(p)); }
MULDE_INLINE void store_floats(float* p, vd a) { _mm_storeu_ps(p, _mm256_cvtpd_ps((__m256d)a)); }
MULDE_INLINE vd tsqrt(vd a) { return (vd)_mm256_sqrt_pd((__m256d)a); }
#else
MULDE_INLINE vd load_doubles(const float* p) { return vd{p[0], p[1], p[2], p[3]}; }
MULDE_INLINE void store_floats(float* p, vd a) {
  for (int i = 0; i < WD; i++) p[i] = (float)a[i];
}
MULDE_INLINE vd tsqrt(vd a) {
  for (int i = 0; i < WD; i++) a[i] = __builtin_sqrt(a[i]);
  return a;
}
#endif
MULDE_INLINE double sum_doubles(vd a) {
  double lane[WD];
  __builtin_memcpy(lane, &a, sizeof a);
  double sum = (lane[0] + lane[2]) + (lane[1] + lane[3]);
  if (WD == 8) sum += (lane[WD - 4] + lane[WD - 2]) + (lane[WD - 3] + lane[WD - 1]);
  return sum;
}

// Table rows are read in no regular order, so loops prefetch the row they need kRowsAhead iterations later.
constexpr int kRowsAhead = 16;
MULDE_INLINE void prefetch_row(const float* row, int d) {
  for (int k = 0; k < d; k += 16) __builtin_prefetch(row + k);
}

// Loads n lanes from memory and sets the others to `fill`.
MULDE_INLINE vf load_part(const float* p, int n, float fill) {
  if (n >= W) return load(p);
  float lane[W];
  for (int i = 0; i < W; i++) lane[i] = i < n ? p[i] : fill;
  return load(lane);
}
MULDE_INLINE void store_part(float* p, int n, vf a) {
  if (n >= W) return store(p, a);
  float lane[W];
  store(lane, a);
  for (int i = 0; i < n; i++) p[i] = lane[i];
}

// Sums the lanes of four vectors, each in the order hsum uses.
#if defined(__AVX512F__) || defined(__AVX2__)
MULDE_INLINE __m128 quarter(vf a) {
#if defined(__AVX512F__)
  const __m256 h = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
#else
  const __m256 h = a;
#endif
  return _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
}
MULDE_INLINE void hsum4(vf a, vf b, vf c, vf d, float* out) {
  // hsum adds lanes (0 + 2) + (1 + 3). After a transpose, these sums are vertical.
  __m128 r0 = quarter(a), r1 = quarter(b), r2 = quarter(c), r3 = quarter(d);
  _MM_TRANSPOSE4_PS(r0, r1, r2, r3);
  _mm_storeu_ps(out, _mm_add_ps(_mm_add_ps(r0, r2), _mm_add_ps(r1, r3)));
}
#else
MULDE_INLINE void hsum4(vf a, vf b, vf c, vf d, float* out) {
  out[0] = hsum(a);
  out[1] = hsum(b);
  out[2] = hsum(c);
  out[3] = hsum(d);
}
#endif

// Writes the lanes in `mask` next to each other and returns their number. It may overwrite up to W values after them.
#if defined(__AVX512F__)
MULDE_INLINE int pack_lanes(uint32_t mask, vf a, float* out) {
  store(out, _mm512_maskz_compress_ps((__mmask16)mask, a));
  return __builtin_popcount(mask);
}
// As pack_lanes, but writes the lanes' numbers: first, first + 1, ...
MULDE_INLINE int pack_numbers(uint32_t mask, int32_t first, int32_t* out) {
  const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  _mm512_storeu_si512(out, _mm512_maskz_compress_epi32((__mmask16)mask, _mm512_add_epi32(lane, _mm512_set1_epi32(first))));
  return __builtin_popcount(mask);
}
MULDE_INLINE int pack_ids(uint32_t mask, const int32_t* ids, int32_t* out) {
  _mm512_storeu_si512(out, _mm512_maskz_compress_epi32((__mmask16)mask, _mm512_loadu_si512(ids)));
  return __builtin_popcount(mask);
}
#else
MULDE_INLINE int pack_lanes(uint32_t mask, vf a, float* out) {
  float lane[W];
  store(lane, a);
  int n = 0;
  for (; mask; mask &= mask - 1) out[n++] = lane[__builtin_ctz(mask)];
  return n;
}
MULDE_INLINE int pack_numbers(uint32_t mask, int32_t first, int32_t* out) {
  int n = 0;
  for (; mask; mask &= mask - 1) out[n++] = first + __builtin_ctz(mask);
  return n;
}
MULDE_INLINE int pack_ids(uint32_t mask, const int32_t* ids, int32_t* out) {
  int n = 0;
  for (; mask; mask &= mask - 1) out[n++] = ids[__builtin_ctz(mask)];
  return n;
}
#endif

// Keeps the first n lanes and sets the others to zero.
MULDE_INLINE vf first_lanes(vf a, int n) {
  if (n >= W) return a;
  float lane[W];
  store(lane, a);
  for (int i = n; i < W; i++) lane[i] = 0;
  return load(lane);
}

MULDE_INLINE float lanes_max(vf a) {
  float lane[W];
  store(lane, a);
  float m = lane[0];
  for (int i = 1; i < W; i++) m = lane[i] > m ? lane[i] : m;
  return m;
}

// Sums lanes in float64. A lane only ever sums one row; longer sums use float64 throughout, because float32 sums drifted by 1e-4 over a batch.
MULDE_INLINE double lanes_sum(vf a) {
  float lane[W];
  store(lane, a);
  double sum = 0;
  for (int i = 0; i < W; i++) sum += lane[i];
  return sum;
}

}  // namespace MULDE_ISA
}  // namespace mulde
