// Scores of each query's own candidates, forward and backward.
//
// A batch of B queries with K random candidates each touches most rows several times, in no order. A plan therefore lists for every
// row the pairs that touch it, and what is heavy goes along that list, block by block: a row's point stays where it is, only the B query
// points are gathered, which fit the second-level cache, and the row's gradient is summed in one place, in one order. What is kept of the
// pairs is kept in the plan's order too; only scores leave, and their gradients come, query by query.
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

// Four pairs at a time: their sums are folded together, which takes a third of the shuffles. Each sum is as pair_term gives it.
template <int S>
MULDE_INLINE void pair_terms4(const float* const* q, const float* const* p, int stride, const float* t, float* terms, float* alongs) {
  vf a = zero(), b = zero(), c = zero(), d = zero(), along_a = zero(), along_b = zero(), along_c = zero(), along_d = zero();
  for (int k = 0; k < stride; k += W) {
    const vf x0 = load(q[0] + k), x1 = load(q[1] + k), x2 = load(q[2] + k), x3 = load(q[3] + k);
    const vf y0 = load(p[0] + k), y1 = load(p[1] + k), y2 = load(p[2] + k), y3 = load(p[3] + k);
    if (S == kDot) {
      a = fma(x0, y0, a);
      b = fma(x1, y1, b);
      c = fma(x2, y2, c);
      d = fma(x3, y3, d);
    } else {
      const bool scaled = S == kRelationHyperbolic;
      const vf e0 = scaled ? fnma(set1(t[0]), y0, x0) : sub(x0, y0), e1 = scaled ? fnma(set1(t[1]), y1, x1) : sub(x1, y1);
      const vf e2 = scaled ? fnma(set1(t[2]), y2, x2) : sub(x2, y2), e3 = scaled ? fnma(set1(t[3]), y3, x3) : sub(x3, y3);
      a = fma(e0, e0, a);
      b = fma(e1, e1, b);
      c = fma(e2, e2, c);
      d = fma(e3, e3, d);
      if (!scaled) continue;
      along_a = fma(e0, y0, along_a);
      along_b = fma(e1, y1, along_b);
      along_c = fma(e2, y2, along_c);
      along_d = fma(e3, y3, along_d);
    }
  }
  hsum4(a, b, c, d, terms);
  if (S == kRelationHyperbolic) hsum4(along_a, along_b, along_c, along_d, alongs);
}

// A batch of queries, and the rows of points that their candidates are.
struct Candidates : QueryConstants {
  int batch, count, stride;
  const float *q, *head_bias, *points, *norm, *point_alpha, *bias;
  const int32_t* ids;

  Candidates(const Args& a, const int32_t* ids, int count)
      : QueryConstants{a.f32(4), a.f32(5), a.f32(6)}, batch(a.count(1)), count(count), stride(row_stride(a.count(2))), q(a.f32(3)),
        head_bias(a.f32(7)), points(a.f32(10)), norm(a.f32(11)), point_alpha(a.f32(12)), bias(a.f32(13)), ids(ids) {}
};

// What all kernels over pairs of queries and points check alike: similarity, batch, dim, q, square, alpha, c or null, head bias or null;
// number of points, their dim, points, norm, alpha, bias.
struct PairShape {
  int64_t similarity, batch, stride, n;
};
inline PairShape check_pairs(Checker& c) {
  const int64_t similarity = c.whole(0, 0, kSimilarities - 1), batch = c.whole(1), dim = c.whole(2, 1, kMaxDim), stride = row_stride((int)dim);
  c.holds(3, times(batch, stride));
  c.all_hold(4, 7, batch);
  const int64_t n = c.whole(8);
  c.whole(9, dim, dim);
  c.holds(10, times(n, stride));
  c.all_hold(11, 13, n);
  return {similarity, batch, stride, n};
}

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
          const float* const q[4] = {row, row, row, row};
          for (; j + 4 <= x.count && ids[j] < limit && ids[j + 1] < limit && ids[j + 2] < limit && ids[j + 3] < limit; j += 4) {
            const float* p[4];
            float alongs[4];
            for (int k = 0; k < 4; k++) p[k] = x.points + (size_t)ids[j + k] * x.stride;
            if (j + 8 <= x.count)
              for (int k = 4; k < 8; k++) __builtin_prefetch(x.points + (size_t)ids[j + k] * x.stride);
            pair_terms4<S>(q, p, x.stride, term + j, term + j, alongs);
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

// candidates(similarity, batch, dim, q (B x stride), square (B), alpha (B), c (B) or null, head bias (B) or null,
//            n, dim, points (n x stride), norm (n), alpha (n), bias (n), K, ids (B x K rows of points), scores (B x K))
inline void check_candidates(Checker& c) {
  const PairShape x = check_pairs(c);
  const int64_t pairs = times(x.batch, c.whole(14));
  c.ids(15, pairs, x.n);
  c.holds(16, pairs);
}
inline void candidates(Args a) {
  const Candidates x(a, a.i32(15), a.count(14));
  float* scores = a.f32(16);
#define MULDE_CALL(S) candidates_forward<S>(x, scores)
  MULDE_BY_SIMILARITY(a.count(0), MULDE_CALL)
#undef MULDE_CALL
}

// plan(ids (M), M, others (H), H, N, rows (D + 1, at most N), offsets (D + 1), entries (M), local (H), scratch (4 (M + H)) or null,
//      counts ((kPlanPieces + 1) x N) or null, count (1)), D being the number of distinct ids, at most M + H:
// rows = the distinct ids of both lists, ascending; entries[offsets[i] .. offsets[i + 1]) = positions of `ids` that hold rows[i], ascending;
// local = the others' indices into rows. By counting where `counts` is there, else by a radix sort, whose time does not depend on N.
struct PlanLists {
  const int32_t* ids;
  int m;
  const int32_t* others;
  int h;
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
      // Stores may alias anything: what these loops read is copied.
      int32_t* own = counts + (size_t)piece * n;
      const int32_t* ids = p.ids;
      const int size = n, last = positions(piece + 1);
      for (int k = 0; k < size; k++) own[k] = 0;
      for (int i = positions(piece); i < last; i++) own[ids[i]]++;
    }
  });
  // From counts to the place of each piece's first entry of a row. A row of the others' alone has no entries.
  int32_t* number = counts + (size_t)kPlanPieces * n;
  for (int k = 0; k < n; k++) number[k] = 0;
  for (int i = 0; i < p.h; i++) number[p.others[i]] = 1;
  int count = 0, sum = 0;
  for (int k = 0; k < n; k++) {
    const int first = sum;
    for (int piece = 0; piece < pieces; piece++) {
      int32_t& own = counts[(size_t)piece * n + k];
      const int c = own;
      own = sum;
      sum += c;
    }
    const int used = number[k] | (sum > first);
    number[k] = count;
    p.rows[count] = k;
    p.offsets[count] = first;
    count += used;
  }
  p.offsets[count] = sum;
  for (int i = 0; i < p.h; i++) p.local[i] = number[p.others[i]];
  parallel(pieces, 1, [&](int begin, int end, int) {
    for (int piece = begin; piece < end; piece++) {
      int32_t *place = counts + (size_t)piece * n, *entries = p.entries;
      const int32_t* ids = p.ids;
      const int last = positions(piece + 1);
      for (int i = positions(piece); i < last; i++) entries[place[ids[i]]++] = i;
    }
  });
  return count;
}

inline int plan_by_radix(const PlanLists& p, int n, int32_t* scratch) {
  constexpr int kBits = 11, kBuckets = 1 << kBits;
  struct Item {
    uint32_t key, at;
  };
  const int all = p.m + p.h;
  Item *from = (Item*)scratch, *to = from + all;
  for (int i = 0; i < p.m; i++) from[i] = {(uint32_t)p.ids[i], (uint32_t)i};
  for (int i = 0; i < p.h; i++) from[p.m + i] = {(uint32_t)p.others[i], (uint32_t)(p.m + i)};
  for (int shift = 0; shift < 32 && (shift == 0 || ((uint32_t)(n - 1) >> shift) != 0); shift += kBits) {
    uint32_t start[kBuckets] = {};
    for (int i = 0; i < all; i++) start[(from[i].key >> shift) & (kBuckets - 1)]++;
    uint32_t sum = 0;
    for (int k = 0; k < kBuckets; k++) {
      const uint32_t c = start[k];
      start[k] = sum;
      sum += c;
    }
    for (int i = 0; i < all; i++) to[start[(from[i].key >> shift) & (kBuckets - 1)]++] = from[i];
    Item* swap = from;
    from = to;
    to = swap;
  }
  int count = 0, entries = 0;
  for (int i = 0; i < all; i++) {
    if (i == 0 || from[i].key != from[i - 1].key) {
      p.rows[count] = (int32_t)from[i].key;
      p.offsets[count++] = entries;
    }
    const int at = (int)from[i].at;
    if (at < p.m) p.entries[entries++] = at;
    else p.local[at - p.m] = count - 1;
  }
  p.offsets[count] = entries;
  return count;
}

inline void check_plan(Checker& c) {
  const int64_t m = c.whole(1), h = c.whole(3, 0, kMaxCount - m), n = c.whole(4);
  c.ids(0, m, n);
  c.ids(2, h, n);
  // Counting writes one row more, before it knows whether that is used.
  c.holds(5, m + h < n ? m + h + 1 : n);
  c.holds(6, (m + h < n ? m + h : n) + 1);
  c.holds(7, m);
  c.holds(8, h);
  if (!c.given(10)) c.present(9);
  c.holds(9, 4 * (m + h));
  c.holds(10, times(kPlanPieces + 1, n));
  c.holds(11, 1);
}
inline void plan(Args a) {
  const PlanLists lists = {a.i32(0), a.count(1), a.i32(2), a.count(3), a.i32(5), a.i32(6), a.i32(7), a.i32(8)};
  const int n = a.count(4);
  a.i32(11)[0] = a.i32(10) ? plan_by_counting(lists, n, a.i32(10)) : plan_by_radix(lists, n, a.i32(9));
}

// Which pairs touch which rows.
struct RowPlan {
  int rows, K;
  const int32_t *offsets, *entries;
  // position / K is position inverse_k / 2^kShift, rounded down, while that is below 2^64 and B K K below 2^kShift.
  static constexpr int kShift = 44;
  bool multiplies;
  uint64_t inverse_k;

  RowPlan(const Args& a, const Candidates& x)
      : rows(a.count(15)), K(x.count), offsets(a.i32(16)), entries(a.i32(17)),
        multiplies(x.batch < (1 << (64 - kShift)) && (double)x.batch * K * K < (double)(1ull << kShift)), inverse_k((1ull << kShift) / K + 1) {}

  // f(k, query) for the entries first + k, k from 0 to n - 1.
  template <class F>
  MULDE_INLINE void for_queries(int first, int n, const F& f) const {
    // Copied, since what f stores may alias the members: compilers then make vectors of the loop.
    const int32_t* list = entries + first;
    const uint64_t inverse = inverse_k;
    const int divisor = K;
    if (__builtin_expect(multiplies, 1)) for (int k = 0; k < n; k++) f(k, (int)((uint64_t)list[k] * inverse >> kShift));
    else for (int k = 0; k < n; k++) f(k, list[k] / divisor);
  }
};

// As check_candidates, but from K (14) on: rows, offsets, entries, terms, along, radii. Returns the number of pairs.
inline int64_t check_planned(Checker& c, const PairShape& x) {
  const int64_t K = c.whole(14, 1), pairs = times(x.batch, K), rows = c.whole(15, 0, x.n);
  if (pairs > kMaxCount) c.whole(14, 1, kMaxCount / x.batch);
  c.offsets(16, rows, pairs);
  c.equal(16, rows, pairs);
  c.ids(17, pairs, pairs);
  for (int i = 18; i <= 20; i++) {
    if (i > 18 && x.similarity == kRelationHyperbolic) c.present(i);
    c.holds(i, pairs);
  }
  return pairs;
}

// Some pairs in the plan's order, side by side in lanes: their queries and rows, and of both what the elementwise part needs. Behind the
// last pair any lanes may be written and read.
constexpr int kBlockPairs = 256;

template <int S>
struct PairBlock {
  static constexpr int kRoom = kBlockPairs + W;
  int n;
  int32_t query[kRoom], row[kRoom];
  float q_alpha[kRoom], c[kRoom], norm[kRoom], alpha[kRoom];

  PairBlock() : n(0) {
    for (int k = 0; k < kRoom; k++) query[k] = row[k] = 0;
    for (int k = 0; k < kRoom; k++) q_alpha[k] = c[k] = norm[k] = alpha[k] = 1;
  }

  // Takes up to kBlockPairs pairs from `first` on, the first of them row i's or a later one's; returns the last one's row.
  int fill(const Candidates& x, const RowPlan& plan, int i, int first, int last) {
    const RowPlan list = plan;
    const float *alphas = x.alpha, *curvatures = x.c;
    n = last - first < kBlockPairs ? last - first : kBlockPairs;
    list.for_queries(first, n, [&](int k, int b) {
      query[k] = b;
      if (S < kHyperbolic) return;
      q_alpha[k] = alphas[b];
      if (curvatures) c[k] = curvatures[b];
    });
    for (int k = 0; k < n;) {
      while (list.offsets[i + 1] <= first + k) i++;
      const int stop = list.offsets[i + 1] - first < n ? list.offsets[i + 1] - first : n;
      for (int m = k; m < stop; m += W) {
        for (int lane = 0; lane < W; lane++) row[m + lane] = i;
        if (S == kHyperbolic) store(alpha + m, set1(x.point_alpha[i]));
        if (S == kRelationHyperbolic) store(norm + m, set1(x.norm[i]));
      }
      k = stop;
    }
    return i;
  }

  MULDE_INLINE MixedLanes queries(int k) const {
    const vf cs = load(c + k);
    return {load(q_alpha + k), cs, S == kRelationHyperbolic ? vsqrt(cs) : cs};
  }
  MULDE_INLINE EntityLanes entities(int k) const { return {load(norm + k), load(alpha + k)}; }
};

template <int S>
void planned_forward(const Candidates& x, const RowPlan& plan, float* terms, float* alongs, float* radii, float* scores) {
  parallel(plan.rows, 64, [&](int begin, int end, int) {
    PairBlock<S> block;
    float term[kBlockPairs + W], along[kBlockPairs + W], t[kBlockPairs + W];
    int i = begin;
    for (int first = plan.offsets[begin], last = plan.offsets[end]; first < last; first += block.n) {
      i = block.fill(x, plan, i, first, last);
      const int n = block.n;
      if (S == kRelationHyperbolic)
        for (int k = 0; k < n; k += W) {
          Score s;
          entity_radius<S>(block.queries(k), block.entities(k), &s);
          store(t + k, s.t);
          store_part(radii + first + k, n - k, s.t);
        }
      for (int k = 0; k < n; k += 4) {
        const float *q[4], *p[4];
        for (int j = 0; j < 4; j++) {
          q[j] = x.q + (size_t)block.query[k + j] * x.stride;
          p[j] = x.points + (size_t)block.row[k + j] * x.stride;
        }
        pair_terms4<S>(q, p, x.stride, t + k, term + k, along + k);
      }
      for (int k = 0; k < n; k += W) {
        const MixedLanes q = block.queries(k);
        const EntityLanes e = block.entities(k);
        Score s;
        entity_radius<S>(q, e, &s);
        score_lanes<S>(q, e, load(term + k), &s);
        store_part(terms + first + k, n - k, load(term + k));
        if (S == kRelationHyperbolic) store_part(alongs + first + k, n - k, load(along + k));
        store(term + k, s.value);
      }
      for (int k = 0; k < n; k++) {
        const float head = x.head_bias ? x.head_bias[block.query[k]] : 0;
        scores[plan.entries[first + k]] = term[k] + (head + x.bias[block.row[k]]);
      }
    }
  });
}

// plannedCandidates(... as candidates up to K ..., rows, offsets, entries, terms (B x K, in the plan's order, as the next two),
//                   along and radii (kRelationHyperbolic only), scores (B x K))
inline void check_planned_candidates(Checker& c) { c.holds(21, check_planned(c, check_pairs(c))); }
inline void planned_candidates(Args a) {
  const Candidates x(a, nullptr, a.count(14));
  const RowPlan plan(a, x);
  float *terms = a.f32(18), *alongs = a.f32(19), *radii = a.f32(20), *scores = a.f32(21);
#define MULDE_CALL(S) planned_forward<S>(x, plan, terms, alongs, radii, scores)
  MULDE_BY_SIMILARITY(a.count(0), MULDE_CALL)
#undef MULDE_CALL
}

// The rows' side of the gradient also gives each query's sum of weight (q - p). It is kept by piece of the rows and added up in order;
// more pieces would cost memory (each B x stride) without need.
constexpr int kQueryPieces = 8;

// A query's other sums over the pairs of a piece.
struct QuerySums {
  double radial, by_c;
};

struct CandidateGradients {
  const float *terms, *alongs, *radii, *gs;
  float *dq, *dhead_bias, *dpoints, *row_radial, *row_bias, *partial;
  QuerySums* sums;
  double* dc;
};

// What the rows' side needs of a block's pairs.
struct PairWeights {
  static constexpr int kRoom = kBlockPairs + W;
  float gs[kRoom], weight[kRoom], by_point[kRoom], radial[kRoom], t[kRoom];
};

// Elementwise: terms and dL/ds -> weights of the block's pairs, and the queries' own sums.
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

// The rows of a block: V vectors of a row's point and gradient in registers, while the row's pairs go by. A row may have begun in the block
// before and may go on in the next.
template <int S, int V>
MULDE_INLINE void row_gradients(const Candidates& x, const RowPlan& plan, const CandidateGradients& g, const PairBlock<S>& block,
                                const PairWeights& pairs, int first, int col, float* dq) {
  // Vector stores may alias anything: what the inner loop reads is copied out of the structures.
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
  // Pieces of equal work: boundaries by pairs, not by rows.
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
      // Rows that no pair touches.
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
// The last parts are in the sense of pointsBackward.
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
