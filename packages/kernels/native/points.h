// Points, as the similarities read them, from entity rows of a parameter table, and the gradients by those rows.
#pragma once
#include "check.h"
#include "geometry.h"
#include "layout.h"
#include "similarity.h"

namespace mulde {
namespace MULDE_ISA {

// The exponential maps of several rows at once, from their squared norms.
struct ExpMaps {
  static constexpr int kRows = 2 * WD;
  double g[kRows], slope[kRows], by_s[kRows];

  ExpMaps(const double* squares, double s) {
    for (int i = 0; i < kRows; i += WD) {
      vd square;
      __builtin_memcpy(&square, squares + i, sizeof square);
      const ExpMap<vd> maps = expmap(tsqrt(square), fill<vd>(s));
      __builtin_memcpy(g + i, &maps.g, sizeof square);
      __builtin_memcpy(slope + i, &maps.slope, sizeof square);
      __builtin_memcpy(by_s + i, &maps.by_s, sizeof square);
    }
  }
};

// points(similarity, n, dim, table, rows (n) or null, sqrt(c), bias table or null,
//        points (n x stride), norm (n), alpha (n), bias (n))
inline void check_points(Checker& c) {
  c.whole(0, 0, kSimilarities - 1);
  const int64_t n = c.whole(1), d = c.whole(2, 1, kMaxDim);
  if (c.given(4)) {
    const int64_t rows = c.rows_of(3, d), biases = c.given(6) ? c.length(6) : rows;
    c.ids(4, n, rows < biases ? rows : biases);
  } else {
    c.holds(3, times(n, d));
    c.holds(6, n);
  }
  c.holds(7, times(n, row_stride((int)d)));
  c.all_hold(8, 10, n);
}
inline void points(Args a) {
  const int sim = a.count(0), n = a.count(1), d = a.count(2), stride = row_stride(d);
  const float *table = a.f32(3), *bias_table = a.f32(6);
  const int32_t* rows = a.i32(4);
  const double s = a.num(5);
  float *out = a.f32(7), *norm = a.f32(8), *alpha = a.f32(9), *bias = a.f32(10);
  parallel(n, 256, [&](int begin, int end, int) {
    for (int first = begin; first < end; first += ExpMaps::kRows) {
      const int count = end - first < ExpMaps::kRows ? end - first : ExpMaps::kRows;
      double squares[ExpMaps::kRows] = {};
      for (int i = first + kRowsAhead; rows && i < first + kRowsAhead + ExpMaps::kRows && i < end; i++) prefetch_row(table + (size_t)rows[i] * d, d);
      for (int i = 0; i < count; i++) {
        const float* u = table + (size_t)(rows ? rows[first + i] : first + i) * d;
        squares[i] = dot_rows(u, u, d);
      }
      const ExpMaps maps(squares, s);
      for (int j = 0; j < count; j++) {
        const int i = first + j;
        const size_t row = rows ? rows[i] : i;
        const float* u = table + row * d;
        float* p = out + (size_t)i * stride;
        double g = 1;
        norm[i] = (float)squares[j];
        alpha[i] = 1;
        if (sim == kHyperbolic) {
          g = maps.g[j];
          const double t2 = g * g * squares[j];
          norm[i] = (float)t2;
          alpha[i] = (float)(1 / (1 - t2));
        } else if (sim == kRelationHyperbolic) {
          const double r = dsqrt(squares[j]);
          g = r > kMinNorm ? 1 / r : 0;
          norm[i] = (float)r;
        }
        int k = 0;
        for (; k + WD <= d; k += WD) store_floats(p + k, g * load_doubles(u + k));
        for (; k < d; k++) p[k] = (float)(g * u[k]);
        for (; k < stride; k++) p[k] = 0;
        bias[i] = bias_table ? bias_table[row] : 0;
      }
    }
  });
}

// pack(n, dim, points, packed): panels of kPanel entities, laid out [panel][dimension][entity]. Zeros fill up the last panel.
inline void check_pack(Checker& c) {
  const int64_t n = c.whole(0), stride = row_stride((int)c.whole(1, 1, kMaxDim));
  c.holds(2, times(n, stride));
  c.holds(3, packed_length(n, stride));
}
inline void pack(Args a) {
  const int n = a.count(0), stride = row_stride(a.count(1));
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

// pointsBackward(similarity, n, dim, table, rows (n) or null, sqrt(c), dPoints (n x stride), radial (n), gradient (n x dim, written),
//                dSqrtC (1, float64, added to))
// Gradients by entity rows (in the tangent space) from those by points: dPoints = -sum weight (q - p), to which radial p is added.
// kRelationHyperbolic: `radial` is the gradient by the tangent norm.
inline void check_points_backward(Checker& c) {
  c.whole(0, 0, kSimilarities - 1);
  const int64_t n = c.whole(1), d = c.whole(2, 1, kMaxDim);
  if (c.given(4)) c.ids(4, n, c.rows_of(3, d));
  else c.holds(3, times(n, d));
  c.holds(6, times(n, row_stride((int)d)));
  c.holds(7, n);
  c.holds(8, times(n, d));
  c.holds(9, 1);
}
inline void points_backward(Args a) {
  const int sim = a.count(0), n = a.count(1), d = a.count(2), stride = row_stride(d);
  const float *table = a.f32(3), *dpoints = a.f32(6), *radials = a.f32(7);
  const int32_t* rows = a.i32(4);
  const double s = a.num(5);
  float* gradient = a.f32(8);
  double by_s[kMaxChunks];
  const int chunks = parallel(n, 256, [&](int begin, int end, int chunk) {
    by_s[chunk] = 0;
    for (int first = begin; first < end; first += ExpMaps::kRows) {
      const int count = end - first < ExpMaps::kRows ? end - first : ExpMaps::kRows;
      double squares[ExpMaps::kRows] = {}, alongs[ExpMaps::kRows];
      const float* values[ExpMaps::kRows];
      for (int i = first + kRowsAhead; rows && i < first + kRowsAhead + ExpMaps::kRows && i < end; i++) prefetch_row(table + (size_t)rows[i] * d, d);
      for (int i = 0; i < count; i++) {
        const float* v = values[i] = table + (size_t)(rows ? rows[first + i] : first + i) * d;
        const float* dp = dpoints + (size_t)(first + i) * stride;
        squares[i] = dot_rows(v, v, d);
        alongs[i] = dot_rows(v, dp, d);
      }
      const ExpMaps maps(squares, s);
      for (int i = 0; i < count; i++) {
        const float *v = values[i], *dp = dpoints + (size_t)(first + i) * stride;
        const double radial = radials[first + i];
        double by_dp = 1, by_v = 0, along = alongs[i];
        if (sim == kHyperbolic) {
          // p = g v: dL/dp = dp + radial g v, then the same as expmap_backward.
          const double g = maps.g[i];
          along += radial * g * squares[i];
          by_dp = g;
          by_v = g * g * radial + along * maps.slope[i];
          by_s[chunk] += along * maps.by_s[i];
        } else if (sim == kRelationHyperbolic && squares[i] > kMinNorm * kMinNorm) {
          // The direction's gradient has no component along v; the norm's has no other.
          by_v = radial / dsqrt(squares[i]) - along / squares[i];
        }
        float* out = gradient + (size_t)(first + i) * d;
        int k = 0;
        for (; k + WD <= d; k += WD) store_floats(out + k, by_dp * load_doubles(dp + k) + by_v * load_doubles(v + k));
        for (; k < d; k++) out[k] = (float)(by_dp * dp[k] + by_v * v[k]);
      }
    }
  });
  for (int i = 0; i < chunks; i++) a.f64(9)[0] += by_s[i];
}

}  // namespace MULDE_ISA
}  // namespace mulde
