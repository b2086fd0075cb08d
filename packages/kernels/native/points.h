// Entity rows of a parameter table -> the points that similarities work on, in rows padded with zeros to a multiple of 16.
#pragma once
#include "encoders.h"
#include "similarity.h"

namespace mulde {
namespace MULDE_ISA {

// Entities in a panel of the packed layout: all-entity products read dimension by dimension a whole panel at a time.
#if defined(__wasm_simd128__)
constexpr int kPanelVectors = 2;  // 4 x 2 accumulators fit the 16 registers that a WebAssembly engine has on x86
#else
constexpr int kPanelVectors = 3;
#endif
constexpr int kPanel = kPanelVectors * W;

// points(similarity, n, dim, stride, table, rows (n) or null, sqrt(c), bias table or null,
//        points (n x stride), norm (n), alpha (n), bias (n))
inline void points(Args a) {
  const int sim = a.count(0), n = a.count(1), d = a.count(2), stride = a.count(3);
  const float *table = a.f32(4), *bias_table = a.f32(7);
  const int32_t* rows = a.i32(5);
  const double s = a.num(6);
  float *out = a.f32(8), *norm = a.f32(9), *alpha = a.f32(10), *bias = a.f32(11);
  parallel(n, 256, [&](int begin, int end, int) {
    for (int i = begin; i < end; i++) {
      const size_t row = rows ? rows[i] : i;
      const float* u = table + row * d;
      float* p = out + (size_t)i * stride;
      double square = 0;
#pragma omp simd reduction(+ : square)
      for (int k = 0; k < d; k++) square += (double)u[k] * u[k];
      double g = 1;
      norm[i] = (float)square;
      alpha[i] = 1;
      if (sim == kHyperbolic) {
        g = expmap(dsqrt(square), s).g;
        const double t2 = g * g * square;
        norm[i] = (float)t2;
        alpha[i] = (float)(1 / (1 - t2));
      } else if (sim == kRelationHyperbolic) {
        const double r = dsqrt(square);
        g = r > kMinNorm ? 1 / r : 0;
        norm[i] = (float)r;
      }
      for (int k = 0; k < d; k++) p[k] = (float)(g * u[k]);
      for (int k = d; k < stride; k++) p[k] = 0;
      bias[i] = bias_table ? bias_table[row] : 0;
    }
  });
}

// pack(n, stride, points, packed): panels of kPanel entities, [panel][dimension][entity], the last one filled up with zeros.
inline void pack(Args a) {
  const int n = a.count(0), stride = a.count(1);
  const float* points = a.f32(2);
  float* packed = a.f32(3);
  const int panels = (n + kPanel - 1) / kPanel;
  parallel(panels, 8, [&](int begin, int end, int) {
    for (int panel = begin; panel < end; panel++) {
      float* out = packed + (size_t)panel * kPanel * stride;
      const int count = n - panel * kPanel < kPanel ? n - panel * kPanel : kPanel;
      const float* p = points + (size_t)panel * kPanel * stride;
      for (int k = 0; k < stride; k++, out += kPanel, p++) {
        for (int j = 0; j < count; j++) out[j] = p[(size_t)j * stride];
        for (int j = count; j < kPanel; j++) out[j] = 0;
      }
    }
  });
}

// One entity's tangent-space gradient, `out`, from that of its point: `dp` = -sum weight (q - p), and `radial`, by which p itself is to be
// added to it (kRelationHyperbolic: the gradient by the tangent norm). Returns dL/ds.
inline double point_backward(int sim, const float* v, int d, double s, const float* dp, double radial, float* out) {
  double square = 0, along = 0;
#pragma omp simd reduction(+ : square, along)
  for (int k = 0; k < d; k++) {
    square += (double)v[k] * v[k];
    along += (double)v[k] * dp[k];
  }
  double by_dp = 1, by_v = 0, by_s = 0;
  if (sim == kHyperbolic) {
    // Through p = g v: dL/dp = dp + radial g v, then as expmap_backward.
    const ExpMap e = expmap(dsqrt(square), s);
    along += radial * e.g * square;
    by_dp = e.g;
    by_v = e.g * e.g * radial + along * e.slope;
    by_s = along * e.by_s;
  } else if (sim == kRelationHyperbolic && square > kMinNorm * kMinNorm) {
    // Through the direction, whose gradient has no part along v, and the norm.
    by_v = radial / dsqrt(square) - along / square;
  }
  for (int k = 0; k < d; k++) out[k] = (float)(by_dp * dp[k] + by_v * v[k]);
  return by_s;
}

// pointsBackward(similarity, n, dim, stride, table, rows (n) or null, sqrt(c), dPoints (n x stride, in the sense of point_backward),
//                radial (n), gradient (n x dim, written), dSqrtC (1, float64, added to))
inline void points_backward(Args a) {
  const int sim = a.count(0), n = a.count(1), d = a.count(2), stride = a.count(3);
  const float *table = a.f32(4), *dpoints = a.f32(7), *radial = a.f32(8);
  const int32_t* rows = a.i32(5);
  const double s = a.num(6);
  float* gradient = a.f32(9);
  double by_s[kMaxChunks];
  const int chunks = parallel(n, 256, [&](int begin, int end, int chunk) {
    by_s[chunk] = 0;
    for (int i = begin; i < end; i++)
      by_s[chunk] += point_backward(sim, table + (size_t)(rows ? rows[i] : i) * d, d, s, dpoints + (size_t)i * stride, radial[i],
                                    gradient + (size_t)i * d);
  });
  for (int i = 0; i < chunks; i++) a.f64(10)[0] += by_s[i];
}

}  // namespace MULDE_ISA
}  // namespace mulde
