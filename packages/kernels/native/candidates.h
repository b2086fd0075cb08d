// Scores of each query's own candidates, forward and backward. The backward pass gathers: a plan lists, for every entity row that
// a batch touches, the pairs that touch it, so that each row's gradient is summed in one place, in one order, and written once.
#pragma once
#include "points.h"

namespace mulde {
namespace MULDE_ISA {

// A query's candidates are taken in runs of this many: their ids and terms stay in the first-level cache.
constexpr int kRun = 256;

template <int S>
MULDE_INLINE float pair_term(const float* q, const float* p, int stride, float t, float* along) {
  vf sum = zero(), dot = zero();
  for (int k = 0; k < stride; k += W) {
    const vf x = load(q + k), y = load(p + k);
    if (S == kDot) {
      sum = fma(x, y, sum);
    } else if (S == kRelationHyperbolic) {
      const vf diff = fnma(set1(t), y, x);
      sum = fma(diff, diff, sum);
      dot = fma(diff, y, dot);
    } else {
      const vf diff = sub(x, y);
      sum = fma(diff, diff, sum);
    }
  }
  if (S == kRelationHyperbolic) *along = hsum(dot);
  return hsum(sum);
}

struct Candidates {
  int batch, count, stride;
  const float *q, *square, *alpha, *c, *head_bias, *points, *norm, *point_alpha, *bias;
  const int32_t* ids;

  explicit Candidates(const Args& a)
      : batch(a.count(1)), count(a.count(2)), stride(a.count(3)), q(a.f32(4)), square(a.f32(5)), alpha(a.f32(6)), c(a.f32(7)),
        head_bias(a.f32(8)), points(a.f32(9)), norm(a.f32(10)), point_alpha(a.f32(11)), bias(a.f32(12)), ids(a.i32(13)) {}

  QueryLanes lanes(int b) const {
    const float cb = c ? c[b] : 1;
    return {square[b], alpha[b], cb, (float)dsqrt(cb)};
  }
};

// A run of one query's candidates: ids filled up to whole vectors, and their squared distances or inner products.
template <int S>
struct Run {
  int32_t ids[kRun + W];
  float term[kRun + W], along[kRun + W], t[kRun + W];

  EntityLanes entity(const Candidates& x, int j) const {
    return {S == kRelationHyperbolic ? gather(x.norm, ids + j) : zero(), S == kHyperbolic ? gather(x.point_alpha, ids + j) : zero()};
  }

  void fill(const Candidates& x, const QueryLanes& q, int b, int first, int n) {
    for (int j = 0; j < n; j++) ids[j] = x.ids[(size_t)b * x.count + first + j];
    for (int j = n; j % W; j++) ids[j] = ids[n - 1];
    if (S == kRelationHyperbolic)
      for (int j = 0; j < n; j += W) {
        Score s;
        entity_radius<S>(q, entity(x, j), &s);
        store(t + j, s.t);
      }
    const float* row = x.q + (size_t)b * x.stride;
    for (int j = 0; j < n; j++) {
      if (j + 8 < n) __builtin_prefetch(x.points + (size_t)ids[j + 8] * x.stride);
      term[j] = pair_term<S>(row, x.points + (size_t)ids[j] * x.stride, x.stride, S == kRelationHyperbolic ? t[j] : 1, along + j);
    }
    for (int j = n; j % W; j++) { term[j] = term[n - 1]; along[j] = along[n - 1]; }
  }
};

template <int S>
void candidates_forward(const Candidates& x, float* scores) {
  parallel(x.batch, 8, [&](int begin, int end, int) {
    Run<S> run;
    float out[kRun + W];
    for (int b = begin; b < end; b++) {
      const QueryLanes q = x.lanes(b);
      const vf head = set1(x.head_bias ? x.head_bias[b] : 0);
      for (int first = 0; first < x.count; first += kRun) {
        const int n = x.count - first < kRun ? x.count - first : kRun;
        run.fill(x, q, b, first, n);
        for (int j = 0; j < n; j += W) {
          const EntityLanes e = run.entity(x, j);
          Score s;
          entity_radius<S>(q, e, &s);
          score_lanes<S>(q, e, load(run.term + j), &s);
          store(out + j, add(s.value, add(head, gather(x.bias, run.ids + j))));
        }
        float* row = scores + (size_t)b * x.count + first;
        for (int j = 0; j < n; j++) row[j] = out[j];
      }
    }
  });
}

// candidates(similarity, batch, K, stride, q (B x stride), square (B), alpha (B), c (B) or null, head bias (B) or null,
//            points, norm, alpha, bias, ids (B x K rows of points), scores (B x K))
inline void candidates(Args a) {
  const Candidates x(a);
  float* scores = a.f32(14);
  switch (a.count(0)) {
    case kDot: return candidates_forward<kDot>(x, scores);
    case kEuclidean: return candidates_forward<kEuclidean>(x, scores);
    case kHyperbolic: return candidates_forward<kHyperbolic>(x, scores);
    default: return candidates_forward<kRelationHyperbolic>(x, scores);
  }
}

template <int S>
void candidates_backward_queries(const Candidates& x, const float* gs, float* dq, double* dc, float* dbias, float* weight, float* radial) {
  parallel(x.batch, 8, [&](int begin, int end, int) {
    Run<S> run;
    float g[kRun + W], w[kRun + W], wp[kRun + W], wr[kRun + W];
    for (int b = begin; b < end; b++) {
      const QueryLanes q = x.lanes(b);
      const float* row = x.q + (size_t)b * x.stride;
      float* out = dq + (size_t)b * x.stride;
      Sum64 by_c, by_q, by_bias;
      for (int k = 0; k < x.stride; k += W) store(out + k, zero());
      for (int first = 0; first < x.count; first += kRun) {
        const int n = x.count - first < kRun ? x.count - first : kRun;
        const size_t at = (size_t)b * x.count + first;
        run.fill(x, q, b, first, n);
        for (int j = 0; j < n; j++) g[j] = gs[at + j];
        for (int j = n; j % W; j++) g[j] = 0;
        for (int j = 0; j < n; j += W) {
          const EntityLanes e = run.entity(x, j);
          const vf gj = load(g + j);
          Score s;
          entity_radius<S>(q, e, &s);
          score_lanes<S>(q, e, load(run.term + j), &s);
          const PairGradient p = pair_gradient<S>(q, e, s, gj, load(run.along + j));
          store(w + j, p.weight);
          store(wp + j, p.weight_p);
          store(wr + j, p.p_radial);
          by_bias.add(gj);
          if (S >= kHyperbolic) {
            by_q.add(p.q_radial);
            by_c.add(p.by_c);
          }
        }
        for (int j = 0; j < n; j++) {
          const float* p = x.points + (size_t)run.ids[j] * x.stride;
          const vf wj = set1(w[j]), tj = set1(S == kRelationHyperbolic ? run.t[j] : 1);
          for (int k = 0; k < x.stride; k += W) {
            const vf y = load(p + k), o = load(out + k);
            if (S == kDot) store(out + k, fma(wj, y, o));
            else store(out + k, fma(wj, S == kRelationHyperbolic ? fnma(tj, y, load(row + k)) : sub(load(row + k), y), o));
          }
          weight[at + j] = wp[j];
          radial[at + j] = wr[j];
        }
      }
      if (S >= kHyperbolic) {
        const vf r = set1((float)by_q.value);
        for (int k = 0; k < x.stride; k += W) store(out + k, fma(r, load(row + k), load(out + k)));
        dc[b] += by_c.value;
      }
      dbias[b] = (float)by_bias.value;
    }
  });
}

// candidatesBackward(... as candidates up to ids ..., dScores (B x K), dq (B x stride), dc (B, float64, added to), dHeadBias (B),
//                    weight (B x K), radial (B x K)): the queries' side, and for each pair what candidatesBackwardRows needs
inline void candidates_backward(Args a) {
  const Candidates x(a);
  const float* gs = a.f32(14);
  switch (a.count(0)) {
    case kDot: return candidates_backward_queries<kDot>(x, gs, a.f32(15), a.f64(16), a.f32(17), a.f32(18), a.f32(19));
    case kEuclidean: return candidates_backward_queries<kEuclidean>(x, gs, a.f32(15), a.f64(16), a.f32(17), a.f32(18), a.f32(19));
    case kHyperbolic: return candidates_backward_queries<kHyperbolic>(x, gs, a.f32(15), a.f64(16), a.f32(17), a.f32(18), a.f32(19));
    default: return candidates_backward_queries<kRelationHyperbolic>(x, gs, a.f32(15), a.f64(16), a.f32(17), a.f32(18), a.f32(19));
  }
}

// plan(pairs, heads, row ids of pairs then heads (M), N, rows (M), offsets (M + 1), entries (M), local (M), scratch (4 M), count (1)):
// rows = the distinct ids, ascending; entries[offsets[i] .. offsets[i + 1]) = positions that hold rows[i], ascending;
// local = each position's index into rows. A radix sort: its time does not depend on N.
inline void plan(Args a) {
  const int m = a.count(0) + a.count(1), n = a.count(3);
  const int32_t* ids = a.i32(2);
  int32_t *rows = a.i32(4), *offsets = a.i32(5), *entries = a.i32(6), *local = a.i32(7), *scratch = a.i32(8);
  constexpr int kBits = 11, kBuckets = 1 << kBits;
  struct Item {
    uint32_t key, at;
  };
  Item *from = (Item*)scratch, *to = from + m;
  for (int i = 0; i < m; i++) from[i] = {(uint32_t)ids[i], (uint32_t)i};
  for (int shift = 0; shift == 0 || ((uint32_t)(n - 1) >> shift) != 0; shift += kBits) {
    uint32_t start[kBuckets] = {};
    for (int i = 0; i < m; i++) start[(from[i].key >> shift) & (kBuckets - 1)]++;
    uint32_t sum = 0;
    for (int k = 0; k < kBuckets; k++) {
      const uint32_t c = start[k];
      start[k] = sum;
      sum += c;
    }
    for (int i = 0; i < m; i++) to[start[(from[i].key >> shift) & (kBuckets - 1)]++] = from[i];
    Item* swap = from;
    from = to;
    to = swap;
    if (shift + kBits >= 32) break;
  }
  int count = 0;
  for (int i = 0; i < m; i++) {
    if (i == 0 || from[i].key != from[i - 1].key) {
      rows[count] = (int32_t)from[i].key;
      offsets[count++] = i;
    }
    entries[i] = (int32_t)from[i].at;
    local[from[i].at] = count - 1;
  }
  offsets[count] = m;
  a.i32(9)[0] = count;
}

// candidatesBackwardRows(similarity, rows in the plan, K, dim, stride, pairs (B K), rows, offsets, entries, table, sqrt(c),
//                        q (B x stride), points (rows x stride), weight, radial, dScores (B x K), dHead (B x dim), dHeadBias (B),
//                        gradient (rows x dim), dTailBias (rows), dHeadBias by row (rows), dSqrtC (1, float64, added to))
inline void candidates_backward_rows(Args a) {
  const int sim = a.count(0), count = a.count(1), K = a.count(2), d = a.count(3), stride = a.count(4), pairs = a.count(5);
  const int32_t *rows = a.i32(6), *offsets = a.i32(7), *entries = a.i32(8);
  const float *table = a.f32(9), *q = a.f32(11), *points = a.f32(12), *weight = a.f32(13), *radial = a.f32(14), *gs = a.f32(15),
              *dhead = a.f32(16), *dhead_bias = a.f32(17);
  const double s = a.num(10);
  float *gradient = a.f32(18), *tail_bias = a.f32(19), *head_bias = a.f32(20);
  double by_s[kMaxChunks];
  const int chunks = parallel(count, 64, [&](int begin, int end, int chunk) {
    float sum[kMaxDim + 16];
    double dp[kMaxDim], dv[kMaxDim];
    by_s[chunk] = 0;
    for (int i = begin; i < end; i++) {
      const float* p = points + (size_t)i * stride;
      double by_radius = 0, by_tail = 0, by_head = 0;
      for (int k = 0; k < stride; k += W) store(sum + k, zero());
      for (int k = 0; k < d; k++) dv[k] = 0;
      for (int j = offsets[i]; j < offsets[i + 1]; j++) {
        const int at = entries[j];
        if (at >= pairs) {
          const float* g = dhead + (size_t)(at - pairs) * d;
          for (int k = 0; k < d; k++) dv[k] += g[k];
          by_head += dhead_bias[at - pairs];
          continue;
        }
        const float* x = q + (size_t)(at / K) * stride;
        const vf w = set1(weight[at]);
        if (sim == kDot) for (int k = 0; k < stride; k += W) store(sum + k, fma(w, load(x + k), load(sum + k)));
        else for (int k = 0; k < stride; k += W) store(sum + k, fnma(w, sub(load(x + k), load(p + k)), load(sum + k)));
        by_radius += radial[at];
        by_tail += gs[at];
      }
      widen(sum, d, dp);
      by_s[chunk] += point_backward(sim, table + (size_t)rows[i] * d, d, s, dp, by_radius, dv);
      for (int k = 0; k < d; k++) gradient[(size_t)i * d + k] = (float)dv[k];
      tail_bias[i] = (float)by_tail;
      head_bias[i] = (float)by_head;
    }
  });
  for (int i = 0; i < chunks; i++) a.f64(21)[0] += by_s[i];
}

}  // namespace MULDE_ISA
}  // namespace mulde
