// Scores of each query's own candidates, forward and backward.
//
// A batch of B queries with K random candidates each touches most rows several times, in no order. A plan therefore lists for every
// row the pairs that touch it, and the two heavy passes go row by row: the row's point stays in registers, only the B query
// points are gathered, which fit the second-level cache, and the row's gradient is summed in one place, in one order.
#pragma once
#include "points.h"

namespace mulde {
namespace MULDE_ISA {

// <q, p> for kDot, |q - t p|^2 for the others (t = 1 unless kRelationHyperbolic, where `along` is <p, q - t p>).
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

// Four pairs with one query at a time: their sums are folded together, which takes a third of the shuffles.
template <int S>
MULDE_INLINE void pair_terms4(const float* q, const float* const* p, int stride, float* terms) {
  vf a = zero(), b = zero(), c = zero(), d = zero();
  for (int k = 0; k < stride; k += W) {
    const vf x = load(q + k), y0 = load(p[0] + k), y1 = load(p[1] + k), y2 = load(p[2] + k), y3 = load(p[3] + k);
    if (S == kDot) {
      a = fma(x, y0, a);
      b = fma(x, y1, b);
      c = fma(x, y2, c);
      d = fma(x, y3, d);
    } else {
      const vf e0 = sub(x, y0), e1 = sub(x, y1), e2 = sub(x, y2), e3 = sub(x, y3);
      a = fma(e0, e0, a);
      b = fma(e1, e1, b);
      c = fma(e2, e2, c);
      d = fma(e3, e3, d);
    }
  }
  hsum4(a, b, c, d, terms);
}

// A batch of queries, and the rows of points that their candidates are.
struct Candidates : QueryConstants {
  int batch, count, stride;
  const float *q, *head_bias, *points, *norm, *point_alpha, *bias;
  const int32_t* ids;

  explicit Candidates(const Args& a)
      : QueryConstants{a.f32(5), a.f32(6), a.f32(7)}, batch(a.count(1)), count(a.count(2)), stride(a.count(3)), q(a.f32(4)),
        head_bias(a.f32(8)), points(a.f32(9)), norm(a.f32(10)), point_alpha(a.f32(11)), bias(a.f32(12)), ids(a.i32(13)) {}
};

// The ids behind the last one repeat it, so that whole vectors can be gathered.
MULDE_INLINE const int32_t* gather_ids(const int32_t* ids, int left, int32_t* scratch) {
  if (left >= W) return ids;
  for (int i = 0; i < W; i++) scratch[i] = ids[i < left ? i : left - 1];
  return scratch;
}

template <int S>
MULDE_INLINE EntityLanes gather_entity(const Candidates& x, const int32_t* ids) {
  return {S == kRelationHyperbolic ? gather(x.norm, ids) : zero(), S == kHyperbolic ? gather(x.point_alpha, ids) : zero()};
}

// Radii t = tanh(sqrt(c) n) of one query's candidates, kRelationHyperbolic only.
inline void radius_row(const Candidates& x, int b, float* t) {
  const QueryLanes q = x.lanes(b);
  const int32_t* row = x.ids + (size_t)b * x.count;
  int32_t scratch[W];
  for (int j = 0; j < x.count; j += W) {
    Score s;
    entity_radius<kRelationHyperbolic>(q, gather_entity<kRelationHyperbolic>(x, gather_ids(row + j, x.count - j, scratch)), &s);
    store_part(t + j, x.count - j, s.t);
  }
}

// Terms -> scores with biases, for the candidates of one query.
template <int S>
void score_row(const Candidates& x, int b, const float* term, float* scores) {
  const QueryLanes q = x.lanes(b);
  const vf head = set1(x.head_bias ? x.head_bias[b] : 0);
  const int32_t* row = x.ids + (size_t)b * x.count;
  int32_t scratch[W];
  for (int j = 0; j < x.count; j += W) {
    const int32_t* ids = gather_ids(row + j, x.count - j, scratch);
    const EntityLanes e = gather_entity<S>(x, ids);
    Score s;
    entity_radius<S>(q, e, &s);
    score_lanes<S>(q, e, load_part(term + j, x.count - j, 0), &s);
    store_part(scores + j, x.count - j, add(s.value, add(head, gather(x.bias, ids))));
  }
}

// Without a plan. Candidates that come in ascending order, as top-K gives them, are taken block by block of the points, so that a
// block is read from memory once for many queries: 256 KiB are a part of any second-level cache.
constexpr int kBlockFloats = 65536;
constexpr int kBlockQueries = 64;

template <int S>
void candidates_forward(const Candidates& x, float* scores) {
  const int rows = kBlockFloats / x.stride;
  parallel(x.batch, 32, [&](int begin, int end, int) {
    float along;
    for (int first = begin; first < end; first += kBlockQueries) {
      const int n = end - first < kBlockQueries ? end - first : kBlockQueries;
      int next[kBlockQueries];
      int open = n;
      for (int i = 0; i < n; i++) {
        next[i] = 0;
        // The radii stand where the terms will.
        if (S == kRelationHyperbolic) radius_row(x, first + i, scores + (size_t)(first + i) * x.count);
      }
      // A query that steps back to an earlier row goes on where it is when its block comes: order costs time, never a result.
      for (int64_t limit = rows; open > 0; limit += rows) {
        open = 0;
        for (int i = 0; i < n; i++) {
          const int b = first + i;
          const int32_t* ids = x.ids + (size_t)b * x.count;
          const float* row = x.q + (size_t)b * x.stride;
          float* term = scores + (size_t)b * x.count;
          int j = next[i];
          if (S != kRelationHyperbolic)
            for (; j + 4 <= x.count && ids[j] < limit && ids[j + 1] < limit && ids[j + 2] < limit && ids[j + 3] < limit; j += 4) {
              const float* p[4];
              for (int k = 0; k < 4; k++) p[k] = x.points + (size_t)ids[j + k] * x.stride;
              if (j + 8 <= x.count)
                for (int k = 4; k < 8; k++) __builtin_prefetch(x.points + (size_t)ids[j + k] * x.stride);
              pair_terms4<S>(row, p, x.stride, term + j);
            }
          for (; j < x.count && ids[j] < limit; j++) {
            if (j + 4 < x.count) __builtin_prefetch(x.points + (size_t)ids[j + 4] * x.stride);
            term[j] = pair_term<S>(row, x.points + (size_t)ids[j] * x.stride, x.stride, term[j], &along);
          }
          next[i] = j;
          open += j < x.count;
        }
      }
      for (int i = 0; i < n; i++) {
        float* row = scores + (size_t)(first + i) * x.count;
        score_row<S>(x, first + i, row, row);
      }
    }
  });
}

#define MULDE_BY_SIMILARITY(sim, call)              \
  switch (sim) {                                    \
    case kDot: return call(kDot);                   \
    case kEuclidean: return call(kEuclidean);       \
    case kHyperbolic: return call(kHyperbolic);     \
    default: return call(kRelationHyperbolic);      \
  }

// candidates(similarity, batch, K, stride, q (B x stride), square (B), alpha (B), c (B) or null, head bias (B) or null,
//            points, norm, alpha, bias, ids (B x K rows of points), scores (B x K))
inline void candidates(Args a) {
  const Candidates x(a);
  float* scores = a.f32(14);
#define MULDE_CALL(S) candidates_forward<S>(x, scores)
  MULDE_BY_SIMILARITY(a.count(0), MULDE_CALL)
#undef MULDE_CALL
}

// plan(ids (M), M, N, rows (M), offsets (M + 1), entries (M), local (M), scratch (4 M), counts ((kPlanPieces + 1) x N) or null,
//      count (1)):
// rows = the distinct ids, ascending; entries[offsets[i] .. offsets[i + 1]) = positions that hold rows[i], ascending;
// local = each position's index into rows. By counting where `counts` is there, else by a radix sort, whose time does not depend on N.
struct PlanLists {
  const int32_t* ids;
  int m;
  int32_t *rows, *offsets, *entries, *local;
};

// Positions are counted and placed by pieces, in parallel: counts is (kPlanPieces + 1) x N, the last part each row's number.
constexpr int kPlanPieces = 4;

inline int plan_by_counting(const PlanLists& p, int n, int32_t* counts) {
  // Each piece goes over all rows once, which few positions do not pay for.
  const int pieces = p.m / 4 > n ? kPlanPieces : 1;
  auto positions = [&](int piece) { return (int)((int64_t)p.m * piece / pieces); };
  parallel(pieces, 1, [&](int begin, int end, int) {
    for (int piece = begin; piece < end; piece++) {
      int32_t* own = counts + (size_t)piece * n;
      for (int k = 0; k < n; k++) own[k] = 0;
      for (int i = positions(piece); i < positions(piece + 1); i++) own[p.ids[i]]++;
    }
  });
  // From counts to the place of each piece's first entry of a row.
  int32_t* number = counts + (size_t)kPlanPieces * n;
  int count = 0, sum = 0;
  for (int k = 0; k < n; k++) {
    const int first = sum;
    for (int piece = 0; piece < pieces; piece++) {
      int32_t& own = counts[(size_t)piece * n + k];
      const int c = own;
      own = sum;
      sum += c;
    }
    if (sum == first) continue;
    number[k] = count;
    p.rows[count] = k;
    p.offsets[count++] = first;
  }
  p.offsets[count] = sum;
  parallel(pieces, 1, [&](int begin, int end, int) {
    for (int piece = begin; piece < end; piece++) {
      int32_t* place = counts + (size_t)piece * n;
      for (int i = positions(piece); i < positions(piece + 1); i++) {
        p.local[i] = number[p.ids[i]];
        p.entries[place[p.ids[i]]++] = i;
      }
    }
  });
  return count;
}

inline int plan_by_radix(const PlanLists& p, int n, int32_t* scratch) {
  constexpr int kBits = 11, kBuckets = 1 << kBits;
  struct Item {
    uint32_t key, at;
  };
  Item *from = (Item*)scratch, *to = from + p.m;
  for (int i = 0; i < p.m; i++) from[i] = {(uint32_t)p.ids[i], (uint32_t)i};
  for (int shift = 0; shift < 32 && (shift == 0 || ((uint32_t)(n - 1) >> shift) != 0); shift += kBits) {
    uint32_t start[kBuckets] = {};
    for (int i = 0; i < p.m; i++) start[(from[i].key >> shift) & (kBuckets - 1)]++;
    uint32_t sum = 0;
    for (int k = 0; k < kBuckets; k++) {
      const uint32_t c = start[k];
      start[k] = sum;
      sum += c;
    }
    for (int i = 0; i < p.m; i++) to[start[(from[i].key >> shift) & (kBuckets - 1)]++] = from[i];
    Item* swap = from;
    from = to;
    to = swap;
  }
  int count = 0;
  for (int i = 0; i < p.m; i++) {
    if (i == 0 || from[i].key != from[i - 1].key) {
      p.rows[count] = (int32_t)from[i].key;
      p.offsets[count++] = i;
    }
    p.entries[i] = (int32_t)from[i].at;
    p.local[from[i].at] = count - 1;
  }
  p.offsets[count] = p.m;
  return count;
}

inline void plan(Args a) {
  const PlanLists lists = {a.i32(0), a.count(1), a.i32(3), a.i32(4), a.i32(5), a.i32(6)};
  const int n = a.count(2);
  a.i32(9)[0] = a.i32(8) ? plan_by_counting(lists, n, a.i32(8)) : plan_by_radix(lists, n, a.i32(7));
}

// Which pairs touch which rows. Positions from `pairs` on are not pairs (heads share the plan) and are passed over.
struct RowPlan {
  int rows, pairs, K;
  const int32_t *offsets, *entries;
  uint64_t inverse_k;

  RowPlan(const Args& a, int at, const Candidates& x)
      : rows(a.count(at)), pairs(x.batch * x.count), K(x.count), offsets(a.i32(at + 1)), entries(a.i32(at + 2)), inverse_k((1ull << kShift) / x.count + 1) {}
  // position / K, exactly while B K K < 2^44
  static constexpr int kShift = 44;
  MULDE_INLINE int query(int position) const { return (int)((uint64_t)position * inverse_k >> kShift); }
};

template <int S>
void planned_forward(const Candidates& x, const RowPlan& plan, float* terms, float* alongs, float* radii, float* scores) {
  if (S == kRelationHyperbolic)
    parallel(x.batch, 8, [&](int begin, int end, int) {
      for (int b = begin; b < end; b++) radius_row(x, b, radii + (size_t)b * x.count);
    });
  parallel(plan.rows, 64, [&](int begin, int end, int) {
    // Vector stores may alias anything: what the inner loop reads is copied out of the structures.
    const RowPlan list = plan;
    const float *q = x.q, *t = radii;
    float *term = terms, along = 0;
    const int stride = x.stride;
    for (int i = begin; i < end; i++) {
      const float* p = x.points + (size_t)i * stride;
      for (int j = list.offsets[i], last = list.offsets[i + 1]; j < last; j++) {
        const int at = list.entries[j];
        if (at >= list.pairs) continue;
        term[at] = pair_term<S>(q + (size_t)list.query(at) * stride, p, stride, S == kRelationHyperbolic ? t[at] : 1, &along);
        if (S == kRelationHyperbolic) alongs[at] = along;
      }
    }
  });
  parallel(x.batch, 8, [&](int begin, int end, int) {
    for (int b = begin; b < end; b++) score_row<S>(x, b, terms + (size_t)b * x.count, scores + (size_t)b * x.count);
  });
}

// plannedCandidates(... as candidates up to ids (local to the plan's rows) ..., rows, offsets, entries, terms (B x K),
//                   along and radii (B x K, kRelationHyperbolic only), scores (B x K))
inline void planned_candidates(Args a) {
  const Candidates x(a);
  const RowPlan plan(a, 14, x);
  float *terms = a.f32(17), *alongs = a.f32(18), *radii = a.f32(19), *scores = a.f32(20);
#define MULDE_CALL(S) planned_forward<S>(x, plan, terms, alongs, radii, scores)
  MULDE_BY_SIMILARITY(a.count(0), MULDE_CALL)
#undef MULDE_CALL
}

// The rows' side of the gradient also gives each query's sum of weight (q - p). It is kept by piece of the rows and added up in order;
// more pieces would cost memory (each B x stride) without need.
constexpr int kQueryPieces = 8;

// What the rows' side needs of a pair, in one place: it comes by pairs in no order, and so touches one line of the cache for each.
struct PairWeights {
  float weight, by_point, radial, gs;
};

struct CandidateGradients {
  const float *terms, *alongs, *radii, *gs;
  float *dq, *dhead_bias, *dpoints, *row_radial, *row_bias, *partial;
  PairWeights* weights;
  double* dc;
};

// Elementwise: terms and dL/ds -> weights of the pairs; what concerns a query alone is summed here.
template <int S>
void weigh_pairs(const Candidates& x, const CandidateGradients& g, float* q_radial) {
  parallel(x.batch, 8, [&](int begin, int end, int) {
    int32_t scratch[W];
    for (int b = begin; b < end; b++) {
      const QueryLanes q = x.lanes(b);
      const size_t row = (size_t)b * x.count;
      vf by_c = zero(), by_q = zero(), by_bias = zero();
      for (int j = 0; j < x.count; j += W) {
        const int left = x.count - j;
        const EntityLanes e = gather_entity<S>(x, gather_ids(x.ids + row + j, left, scratch));
        const vf gs = load_part(g.gs + row + j, left, 0);
        Score s;
        entity_radius<S>(q, e, &s);
        score_lanes<S>(q, e, load_part(g.terms + row + j, left, 0), &s);
        const vf along = S == kRelationHyperbolic ? load_part(g.alongs + row + j, left, 0) : zero();
        const PairGradient p = pair_gradient<S>(q, e, s, gs, along);
        by_bias = add(by_bias, gs);
        float lane[4][W];
        store(lane[0], p.weight);
        store(lane[1], p.weight_p);
        store(lane[2], p.p_radial);
        store(lane[3], gs);
        PairWeights* out = g.weights + row + j;
        for (int k = 0; k < W && k < left; k++) out[k] = {lane[0][k], lane[1][k], lane[2][k], lane[3][k]};
        if (S < kHyperbolic) continue;
        by_q = add(by_q, p.q_radial);
        by_c = add(by_c, p.by_c);
      }
      g.dhead_bias[b] = (float)lanes_sum(by_bias);
      q_radial[b] = q_radial_factor(q) * (float)lanes_sum(by_q);
      if (S >= kHyperbolic) g.dc[b] += by_c_factor(q) * lanes_sum(by_c);
    }
  });
}

// Pairs come in no order: what a later one needs is asked for in time. Plans have as many entries more, of any value, behind the last.
constexpr int kAhead = 8;

// V vectors of a row's point and gradient in registers; the row's pairs go by.
template <int S, int V>
MULDE_INLINE void row_gradient(const Candidates& x, const RowPlan& plan, const CandidateGradients& g, int i, int col, float* dq) {
  // Vector stores may alias anything: what the inner loop reads is copied out of the structures.
  const RowPlan list = plan;
  const PairWeights* weights = g.weights;
  const float *queries = x.q + col, *radii = g.radii;
  const int stride = x.stride;
  vf p[V], sum[V];
  double by_radius = 0, by_bias = 0;
  for (int v = 0; v < V; v++) {
    p[v] = load(x.points + (size_t)i * stride + col + v * W);
    sum[v] = zero();
  }
  for (int j = list.offsets[i], last = list.offsets[i + 1]; j < last; j++) {
    const int at = list.entries[j];
    if (at >= list.pairs) continue;
    __builtin_prefetch(weights + list.entries[j + kAhead]);
    const size_t row = (size_t)list.query(at) * stride;
    const float* q = queries + row;
    float* out = dq + row + col;
    const PairWeights& pair = weights[at];
    const vf w = set1(pair.weight), wp = set1(pair.by_point);
    if (col == 0) {
      by_bias += pair.gs;
      by_radius += pair.radial;
    }
    const vf t = set1(S == kRelationHyperbolic ? radii[at] : 1);
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
  for (int v = 0; v < V; v++) store(g.dpoints + (size_t)i * x.stride + col + v * W, sum[v]);
  if (col == 0) {
    g.row_radial[i] = p_radial_factor<S>(x.point_alpha[i]) * (float)by_radius;
    g.row_bias[i] = (float)by_bias;
  }
}

template <int S>
void planned_backward(const Candidates& x, const RowPlan& plan, const CandidateGradients& g, float* q_radial) {
  weigh_pairs<S>(x, g, q_radial);
  const size_t size = (size_t)x.batch * x.stride;
  // Pieces of equal work: boundaries by pairs, not by rows.
  parallel(kQueryPieces, 1, [&](int begin, int end, int) {
    for (int piece = begin; piece < end; piece++) {
      float* dq = g.partial + piece * size;
      for (size_t k = 0; k < size; k += W) store(dq + k, zero());
      const int64_t total = plan.offsets[plan.rows];
      auto boundary = [&](int part) {
        int lo = 0, hi = plan.rows;
        while (lo < hi) {
          const int mid = (lo + hi) / 2;
          if (plan.offsets[mid] < total * part / kQueryPieces) lo = mid + 1;
          else hi = mid;
        }
        return lo;
      };
      for (int i = boundary(piece), last = boundary(piece + 1); i < last; i++) {
        int col = 0;
        for (; col + 4 * W <= x.stride; col += 4 * W) row_gradient<S, 4>(x, plan, g, i, col, dq);
        for (; col + 2 * W <= x.stride; col += 2 * W) row_gradient<S, 2>(x, plan, g, i, col, dq);
        for (; col < x.stride; col += W) row_gradient<S, 1>(x, plan, g, i, col, dq);
      }
    }
  });
  parallel(x.batch, 32, [&](int begin, int end, int) {
    for (size_t k = (size_t)begin * x.stride; k < (size_t)end * x.stride; k += W) {
      vf sum = S == kDot ? zero() : mul(set1(q_radial[k / x.stride]), load(x.q + k));
      for (int piece = 0; piece < kQueryPieces; piece++) sum = add(sum, load(g.partial + piece * size + k));
      store(g.dq + k, sum);
    }
  });
}

// plannedBackward(... as candidates up to ids ..., rows, offsets, entries, terms, along, radii, dScores (B x K), dq (B x stride),
//                 dc (B, float64, added to), dHeadBias (B), dPoints (rows x stride), row radial (rows), dTailBias (rows),
//                 scratch (4 x B x K), scratch (kQueryPieces x B x stride), scratch (B))
// The last parts are in the sense of pointsBackward.
inline void planned_backward(Args a) {
  const Candidates x(a);
  const RowPlan plan(a, 14, x);
  const CandidateGradients g = {a.f32(17), a.f32(18), a.f32(19), a.f32(20), a.f32(21), a.f32(23), a.f32(24),
                                a.f32(25), a.f32(26), a.f32(28), (PairWeights*)a.f32(27), a.f64(22)};
  float* q_radial = a.f32(29);
#define MULDE_CALL(S) planned_backward<S>(x, plan, g, q_radial)
  MULDE_BY_SIMILARITY(a.count(0), MULDE_CALL)
#undef MULDE_CALL
}

}  // namespace MULDE_ISA
}  // namespace mulde
