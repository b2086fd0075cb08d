// The kernel `plannedBackward`: gradients of each query's own candidates, row by row.
#pragma once
#include "pair-block.h"

namespace mulde {
namespace MULDE_ISA {

// Going over the rows also gives each query's sum of weight (q - p). Each piece of the rows keeps its own sums, which are then added in order.
// More pieces would cost memory (B x stride each) without a gain.
constexpr int kQueryPieces = 8;

// A query's other sums over a piece's pairs.
struct QuerySums {
  double radial, by_c;
};

struct CandidateGradients {
  const float *terms, *alongs, *radii, *gs;
  float *dq, *dhead_bias, *dpoints, *row_radial, *row_bias, *partial;
  QuerySums* sums;
  double* dc;
};

// The gradients of a block's pairs.
struct PairWeights {
  static constexpr int kRoom = kBlockPairs + W;
  float gs[kRoom], weight[kRoom], by_point[kRoom], radial[kRoom], t[kRoom];
};

// Computes the block's weights from terms and dL/ds, and adds to the queries' sums.
template <int S>
MULDE_INLINE void weigh_pairs(const PairBlock<S>& block, const RowPlan& plan, const CandidateGradients& g, int first, QuerySums* sums,
                              PairWeights& out) {
  const int n = block.n;
  const float* gs = g.gs;
  const int32_t* entries = plan.entries + first;
  float q_radial[PairWeights::kRoom], by_c[PairWeights::kRoom];
  for (int k = 0; k < n; k++) out.gs[k] = gs[entries[k]];
  for (int k = 0; k < n; k += W) {
    const MixedLanes q = block.queries(k);
    const EntityLanes e = block.entities(k);
    Score s;
    entity_radius<S>(q, e, &s);
    score_lanes<S>(q, e, load_part(g.terms + first + k, n - k, 0), &s);
    const vf along = S == kRelationHyperbolic ? load_part(g.alongs + first + k, n - k, 0) : zero();
    const PairGradient p = pair_gradient<S>(q, e, s, load(out.gs + k), along);
    store(out.weight + k, p.weight);
    store(out.by_point + k, p.weight_p);
    store(out.radial + k, p.p_radial);
    if (S == kRelationHyperbolic) store(out.t + k, s.t);
    store(q_radial + k, p.q_radial);
    store(by_c + k, p.by_c);
  }
  if (S < kHyperbolic) return;
  for (int k = 0; k < n; k++) {
    QuerySums& sum = sums[block.query[k]];
    sum.radial += q_radial[k];
    sum.by_c += by_c[k];
  }
}

// Sums the gradients of a block's rows. V vectors of a row's point and gradient stay in registers while its pairs pass. A row may begin in the
// block before and continue in the next.
template <int S, int V>
MULDE_INLINE void row_gradients(const Candidates& x, const RowPlan& plan, const CandidateGradients& g, const PairBlock<S>& block,
                                const PairWeights& pairs, int first, int col, float* dq) {
  // Local copies: vector stores might alias members.
  const float* queries = x.q + col;
  const int stride = x.stride, n = block.n;
  for (int k = 0; k < n;) {
    const int i = block.row[k], begin = plan.offsets[i] - first, end = plan.offsets[i + 1] - first;
    float* dp = g.dpoints + (size_t)i * stride + col;
    vf p[V], sum[V];
    double by_radius = 0, by_bias = 0;
    for (int v = 0; v < V; v++) {
      p[v] = load(x.points + (size_t)i * stride + col + v * W);
      sum[v] = begin < k ? load(dp + v * W) : zero();
    }
    if (col == 0 && begin < k) {
      by_radius = g.row_radial[i];
      by_bias = g.row_bias[i];
    }
    for (const int stop = end < n ? end : n; k < stop; k++) {
      const size_t row = (size_t)block.query[k] * stride;
      const float* q = queries + row;
      float* out = dq + row + col;
      const vf w = set1(pairs.weight[k]), wp = set1(pairs.by_point[k]);
      if (col == 0) {
        by_bias += pairs.gs[k];
        by_radius += pairs.radial[k];
      }
      const vf t = set1(S == kRelationHyperbolic ? pairs.t[k] : 1);
      for (int v = 0; v < V; v++) {
        const vf y = load(q + v * W);
        if (S == kDot) {
          sum[v] = fma(w, y, sum[v]);
          store(out + v * W, fma(w, p[v], load(out + v * W)));
        } else {
          const vf diff = sub(y, p[v]);
          sum[v] = fnma(S == kRelationHyperbolic ? wp : w, diff, sum[v]);
          store(out + v * W, fma(w, S == kRelationHyperbolic ? fnma(t, p[v], y) : diff, load(out + v * W)));
        }
      }
    }
    for (int v = 0; v < V; v++) store(dp + v * W, sum[v]);
    if (col == 0) {
      g.row_radial[i] = (k == end ? p_radial_factor<S>(x.point_alpha[i]) : 1) * (float)by_radius;
      g.row_bias[i] = (float)by_bias;
    }
  }
}

template <int S>
void planned_backward(const Candidates& x, const RowPlan& plan, const CandidateGradients& g) {
  const size_t size = (size_t)x.batch * x.stride;
  // Boundaries by pairs, not rows, give pieces of equal work.
  parallel(kQueryPieces, 1, [&](int begin, int end, int) {
    PairBlock<S> block;
    PairWeights pairs = {};
    for (int piece = begin; piece < end; piece++) {
      float* dq = g.partial + piece * size;
      QuerySums* sums = g.sums + (size_t)piece * x.batch;
      for (size_t k = 0; k < size; k += W) store(dq + k, zero());
      for (int b = 0; b < x.batch; b++) sums[b] = {0, 0};
      const int64_t total = plan.offsets[plan.rows];
      auto boundary = [&](int part) {
        if (part == kQueryPieces) return plan.rows;
        int lo = 0, hi = plan.rows;
        while (lo < hi) {
          const int mid = (lo + hi) / 2;
          if (plan.offsets[mid] < total * part / kQueryPieces) lo = mid + 1;
          else hi = mid;
        }
        return lo;
      };
      const int low = boundary(piece), high = boundary(piece + 1);
      // Rows no pair touches get zeros.
      for (int i = low; i < high; i++)
        if (plan.offsets[i] == plan.offsets[i + 1]) {
          for (int k = 0; k < x.stride; k += W) store(g.dpoints + (size_t)i * x.stride + k, zero());
          g.row_radial[i] = g.row_bias[i] = 0;
        }
      int i = low;
      for (int first = plan.offsets[low], last = plan.offsets[high]; first < last; first += block.n) {
        i = block.fill(x, plan, i, first, last);
        weigh_pairs<S>(block, plan, g, first, sums, pairs);
        int col = 0;
        for (; col + 4 * W <= x.stride; col += 4 * W) row_gradients<S, 4>(x, plan, g, block, pairs, first, col, dq);
        for (; col + 2 * W <= x.stride; col += 2 * W) row_gradients<S, 2>(x, plan, g, block, pairs, first, col, dq);
        for (; col < x.stride; col += W) row_gradients<S, 1>(x, plan, g, block, pairs, first, col, dq);
      }
    }
  });
  parallel(x.batch, 32, [&](int begin, int end, int) {
    for (int b = begin; b < end; b++) {
      const QueryLanes q = x.lanes(b);
      QuerySums sum = {0, 0};
      for (int piece = 0; piece < kQueryPieces; piece++) {
        const QuerySums& part = g.sums[(size_t)piece * x.batch + b];
        sum.radial += part.radial;
        sum.by_c += part.by_c;
      }
      if (S >= kHyperbolic) g.dc[b] += by_c_factor(q) * sum.by_c;
      const vf radial = set1(q_radial_factor(q) * (float)sum.radial);
      for (size_t k = (size_t)b * x.stride; k < (size_t)(b + 1) * x.stride; k += W) {
        vf part = S == kDot ? zero() : mul(radial, load(x.q + k));
        for (int piece = 0; piece < kQueryPieces; piece++) part = add(part, load(g.partial + piece * size + k));
        store(g.dq + k, part);
      }
      const float* gs = g.gs + (size_t)b * x.count;
      vf by_bias = zero();
      for (int j = 0; j < x.count; j += W) by_bias = add(by_bias, load_part(gs + j, x.count - j, 0));
      g.dhead_bias[b] = (float)lanes_sum(by_bias);
    }
  });
}

// plannedBackward(... as plannedCandidates up to radii ..., dScores (B x K), dq (B x stride),
//                 dc (B, float64, added to), dHeadBias (B), dPoints (rows x stride), row radial (rows), dTailBias (rows),
//                 scratch (kQueryPieces x B x stride), scratch (kQueryPieces x B x 2, float64))
// pointsBackward takes dPoints and row radial.
inline void check_planned_backward(Checker& c) {
  const PairShape x = check_pairs(c);
  c.holds(21, check_planned(c, x));
  const int64_t rows = c.whole(15), points = times(x.batch, x.stride);
  c.holds(22, points);
  c.holds(23, x.batch);
  c.holds(24, x.batch);
  c.holds(25, times(rows, x.stride));
  c.holds(26, rows);
  c.holds(27, rows);
  c.holds(28, times(kQueryPieces, points));
  c.holds(29, times(kQueryPieces, x.batch, 2));
}
inline void planned_backward(Args a) {
  const Candidates x(a, nullptr, a.count(14));
  const RowPlan plan(a, x);
  const CandidateGradients g = {a.f32(18), a.f32(19), a.f32(20), a.f32(21), a.f32(22), a.f32(24), a.f32(25),
                                a.f32(26), a.f32(27), a.f32(28), (QuerySums*)a.f64(29), a.f64(23)};
#define MULDE_CALL(S) planned_backward<S>(x, plan, g)
  MULDE_BY_SIMILARITY(a.count(0), MULDE_CALL)
#undef MULDE_CALL
}

}  // namespace MULDE_ISA
}  // namespace mulde
