// The kernels `encode` and `encodeBackward`: q = q(h, r) from rows of the tables, and the gradients by those rows.
#pragma once
#include "check.h"
#include "encoder-table.h"
#include "lanes.h"

namespace mulde {
namespace MULDE_ISA {

// The arguments both kernels share.
struct EncoderInputs {
  Encoder kind;
  int batch, d, stride, width;
  const float* entity;
  float* tables[kSlots];
  const int32_t *heads, *relations;
  const float* curvatures;

  explicit EncoderInputs(const Args& a)
      : kind((Encoder)a.count(0)), batch(a.count(1)), d(a.count(2)), stride(row_stride(d)), width(kEncoderRows[kind].width(d)),
        entity(a.f32(3)), tables{a.f32(4), a.f32(5), a.f32(6), a.f32(7), a.f32(8), a.f32(9)}, heads(a.i32(10)), relations(a.i32(11)),
        curvatures(a.f32(12)) {}

  bool hyperbolic() const { return kEncoderRows[kind].space == kBall; }
};

struct EncoderShape {
  EncoderRow row;
  int64_t batch, d, width;
};

inline EncoderShape check_encoder(Checker& c) {
  const EncoderRow& row = kEncoderRows[c.whole(0, 0, kEncoders - 1)];
  const int64_t batch = c.whole(1), d = c.whole(2, 1, kMaxDim), width = row.width((int)d);
  if (d % row.group != 0) c.whole(2, d + row.group - d % row.group);
  // A relation id must be a row of every table that is there.
  int64_t relations = kMaxCount + 1;
  for (int k = 0; k < kSlots; k++) {
    if (row.reads(k)) c.present(4 + k);
    if (!c.given(4 + k) || width == 0) continue;
    const int64_t rows = c.rows_of(4 + k, width);
    relations = rows < relations ? rows : relations;
  }
  c.ids(10, batch, c.rows_of(3, d));
  c.ids(11, batch, relations);
  c.holds(12, batch);
  return {row, batch, d, width};
}

// The rows h and r as doubles.
template <class T>
struct QueryRows {
  T h[kRow<T>], r[kSlots][kRow<T>];

  // Reads queries first .. first + kLanes - 1. Lanes past the last query repeat it.
  void read(Query<T>& q, const EncoderInputs& x, int first) {
    const int width = x.width;
    q.d = x.d;
    q.h = h;
    for (int k = 0; k < kSlots; k++) q.r[k] = r[k];
    // Rows come in no order, so all are prefetched before the first is read.
    for (int b = first; b < first + kLanes<T> && b < x.batch; b++) {
      prefetch_row(x.entity + (size_t)x.heads[b] * x.d, x.d);
      for (int k = 0; k < kSlots; k++)
        if (x.tables[k]) prefetch_row(x.tables[k] + (size_t)x.relations[b] * width, width);
    }
    const float *heads[kLanes<T>], *relations[kSlots][kLanes<T>];
    for (int j = 0; j < kLanes<T>; j++) {
      const int b = first + j < x.batch ? first + j : x.batch - 1;
      set_lane(&q.s, j, dsqrt(x.curvatures ? x.curvatures[b] : 1));
      heads[j] = x.entity + (size_t)x.heads[b] * x.d;
      for (int k = 0; k < kSlots; k++) relations[k][j] = x.tables[k] ? x.tables[k] + (size_t)x.relations[b] * width : nullptr;
    }
    widen_rows(heads, kLanes<T>, x.d, h);
    for (int k = 0; k < kSlots; k++)
      if (x.tables[k]) widen_rows(relations[k], kLanes<T>, width, r[k]);
  }
};

// Calls f(first, count) for groups of queries, as many as a T holds, on all threads.
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
  const bool hyperbolic = x.hyperbolic();
  encoder_groups<T>(x.batch, [&](int first, int count) {
    Query<T> query;
    QueryRows<T> rows;
    rows.read(query, x, first);
    encoder_forward(x.kind, query);
    const T squares = ddot(query.q, query.q, d);
    float* points[kLanes<T>];
    for (int j = 0; j < count; j++) points[j] = q + (size_t)(first + j) * stride;
    narrow_rows(query.q, count, d, points);
    for (int j = 0; j < count; j++) {
      const size_t b = first + j;
      for (int i = d; i < stride; i++) q[b * stride + i] = 0;
      const double sq = lane(&squares, j);
      square[b] = (float)sq;
      alpha[b] = hyperbolic ? (float)(1 / (1 - sq)) : 1.0f;
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
  const int d = x.d, width = x.width;
  const bool hyperbolic = x.hyperbolic();
  encoder_groups<T>(x.batch, [&](int first, int count) {
    Query<T> query;
    QueryRows<T> rows, sums;
    T g[kRow<T>];
    RowGradients<T> grads;
    rows.read(query, x, first);
    encoder_forward(x.kind, query);
    for (int i = 0; i < d; i++) g[i] = sums.h[i] = T{};
    const float* given[kLanes<T>];
    for (int j = 0; j < count; j++) given[j] = dq + (size_t)(first + j) * x.stride;
    widen_rows(given, count, d, g);
    grads.h = sums.h;
    for (int k = 0; k < kSlots; k++) {
      grads.r[k] = sums.r[k];
      if (x.tables[k]) for (int i = 0; i < width; i++) sums.r[k][i] = T{};
    }
    const T ds = encoder_backward(x.kind, query, g, grads) / (2.0 * query.s);
    for (int j = 0; hyperbolic && j < count; j++) dcurvature[first + j] += lane(&ds, j);
    float* out[kLanes<T>] = {};
    for (int j = 0; j < count; j++) out[j] = dhead + (size_t)(first + j) * d;
    narrow_rows(sums.h, count, d, out);
    for (int k = 0; k < kSlots; k++) {
      if (!dtables[k]) continue;
      for (int j = 0; j < count; j++) out[j] = dtables[k] + (size_t)(first + j) * width;
      narrow_rows(sums.r[k], count, width, out);
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
    if (x.row.reads(k)) c.present(15 + k);
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
