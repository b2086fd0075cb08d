// The kernel `allLoss`: losses over all entities, with their gradients.
#pragma once
#include "accumulate.h"
#include "candidates.h"
#include "kept.h"
#include "losses.h"

namespace mulde {
namespace MULDE_ISA {

// Every entity has the same small label; the few that a query lists have more.
template <int S, int L>
struct AllLoss {
  const AllPairs x;
  const int32_t *offsets, *labels;
  const float every_label, scale;
  const double rest;  // a query's own labels: their sum (kSoftmax) or each of them (kLogistic)
  double* total;      // each query's log-sum-exp or sum of softplus, and finally its loss
  int32_t* first_labels;
  float *own_label, *references, *dq, *dhead, *dpoints, *radial, *dbias, *by_weight, *partial_q, *kept;
  double *dc, *sums;
  ExpSum* exp_sums;
  const int tiles, pieces;

  explicit AllLoss(const Args& a)
      : x(a), offsets(a.i32(16)), labels(a.i32(17)), every_label((float)(a.num(18) / x.n)), scale((float)a.num(19)), rest(1 - a.num(18)),
        total(a.f64(20)), first_labels(a.i32(26)), own_label(a.f32(27)), references(a.f32(28)), dq(a.f32(21)), dhead(a.f32(23)),
        dpoints(a.f32(24)), radial(a.f32(25)), dbias(a.f32(33)), by_weight(a.f32(29)), partial_q(a.f32(30)), kept(a.f32(32)), dc(a.f64(22)),
        sums(a.f64(31)), exp_sums((ExpSum*)(sums + kQuerySums * kGradientPieces * kTileQueries)), tiles(x.tiles()),
        pieces(tiles < kGradientPieces ? tiles : kGradientPieces) {}

  // Calls f(tile, piece) for every tile, in parallel over the pieces.
  template <class F>
  void for_tiles(const F& f) const {
    parallel(pieces, 1, [&](int begin, int end, int) {
      for (int piece = begin; piece < end; piece++)
        for (int t = (int)((int64_t)tiles * piece / pieces), last = (int)((int64_t)tiles * (piece + 1) / pieces); t < last; t++) f(t, piece);
    });
  }
  Kept<S> kept_row(int tile, int i) const {
    return {kept + ((size_t)tile * Kept<S>::kQueries + i) * Kept<S>::kVectors * kTileEntities};
  }
  float head(int b) const { return x.head_bias ? x.head_bias[b] : 0; }

  // kSoftmax uses a label's score as the reference. So the sum is at least 1, and overflows only if an entity scores far above it.
  void forward(const QueryBlock& block) const {
    parallel(pieces, 1, [&](int begin, int end, int) {
      for (int i = begin * block.count; i < end * block.count; i++) exp_sums[i] = {L == kSoftmax ? references[block.first + i % block.count] : 0, 0};
    });
    for_tiles([&](int t, int piece) {
      Tile tile;
      TileEntities entities;
      entities.read(x, t);
      tile.products(x, block, t);
      for (int i = 0; i < block.count; i++) {
        const int b = block.first + i;
        const QueryLanes q = x.lanes(b);
        const vf head_bias = set1(head(b));
        float* row = tile.value + i * kTileStride;
        Kept<S> pairs = kept_row(t, i);
        ExpSum& own = exp_sums[piece * block.count + i];
        const vf top = set1((float)own.top);
        vf sum = zero(), high = set1(-3.4e38f);
        for (int j = 0; j < tile.padded; j += W) {
          const vf dot = load(row + j);
          const Score s = tile_score<S>(x, entities, q, b, tile.first, j, dot);
          pairs.put(j, s, dot);
          vf score = add(s.value, add(head_bias, load(entities.bias + j)));
          if (j + W > tile.count) score = load_part_of(score, tile.count - j);
          if (L == kLogistic) {
            vf softplus, sigmoid;
            softplus_sigmoid(score, &softplus, &sigmoid);
            sum = add(sum, softplus);
            continue;
          }
          store(row + j, score);
          high = vmax(high, score);
          sum = add(sum, vexp(sub(score, top)));
        }
        const float highest = lanes_max(high);
        if (L == kSoftmax && __builtin_expect(highest > (float)own.top + kFarAbove, 0)) {
          sum = zero();
          for (int j = 0; j < tile.padded; j += W) sum = add(sum, vexp(sub(load(row + j), set1(highest))));
          own = {highest, own.sum * dexp(own.top - highest)};
        }
        own.sum += lanes_sum(sum);
      }
    });
    for (int i = 0; i < block.count; i++) {
      ExpSum all = exp_sums[i];
      for (int piece = 1; piece < pieces; piece++) {
        const ExpSum& own = exp_sums[piece * block.count + i];
        if (own.top == all.top) all.sum += own.sum;
        else if (own.top < all.top) all.sum += own.sum * dexp(own.top - all.top);
        else all = {own.top, own.sum + all.sum * dexp(all.top - own.top)};
      }
      total[block.first + i] = L == kSoftmax ? all.top + dlog(all.sum) : all.sum;
    }
  }

  // Replaces scores after the last entity, so that their exponentials vanish.
  static vf load_part_of(vf score, int count) {
    float lane[W];
    store(lane, score);
    return load_part(lane, count < 0 ? 0 : count, -3.4e38f);
  }

  // dL/ds = scale (p - label), where p is the softmax or the sigmoid of the scores.
  void backward(const QueryBlock& block) const {
    const double log_scale = dlog(scale);
    const size_t size = (size_t)Kept<S>::kQueries * x.stride;
    parallel(pieces, 1, [&](int begin, int end, int) {
      for (size_t i = begin * size; i < end * size; i++) partial_q[i] = 0;
      for (int i = begin * kQuerySums * kTileQueries; i < end * kQuerySums * kTileQueries; i++) sums[i] = 0;
    });
    for_tiles([&](int t, int piece) {
      Tile tile;
      TileEntities entities;
      entities.read(x, t);
      const int first = tile.first = t * kTileEntities, count = tile.count = x.n - first < kTileEntities ? x.n - first : kTileEntities;
      tile.padded = (count + W - 1) / W * W;
      float* gp = dpoints + (size_t)first * x.stride;
      alignas(64) float weights[kTileEntities], radii[kTileEntities], biases[kTileEntities];
      const bool fresh = block.first == 0, done = block.first + block.count == x.batch;
      for (int j = 0; j < kTileEntities; j++) {
        const bool known = !fresh && j < count;
        weights[j] = known ? by_weight[first + j] : 0;
        radii[j] = known ? radial[first + j] : 0;
        biases[j] = known ? dbias[first + j] : 0;
      }
      if (fresh) for (size_t i = 0; i < (size_t)count * x.stride; i++) gp[i] = 0;
      alignas(64) float weight_q[S == kRelationHyperbolic ? kTileQueries * kTileStride : 1];
      for (int i = 0; i < block.count; i++) {
        const int b = block.first + i;
        const QueryLanes q = x.lanes(b);
        const vf shift = set1((float)(L == kSoftmax ? head(b) - total[b] + log_scale : head(b)));
        const vf scaled_label = set1(scale * every_label);
        const Kept<S> pairs = kept_row(t, i);
        float* row = tile.value + i * kTileStride;
        const int32_t *label = labels + first_label(b, first), *end_of_labels = labels + offsets[b + 1];
        double label_scores = 0;
        vf s_weight = zero(), s_radial = zero(), s_c = zero(), s_head = zero(), s_scores = zero();
        for (int j = 0; j < tile.padded; j += W) {
          const EntityLanes e = {load(entities.norm + j), load(entities.alpha + j)};
          Score s;
          const vf dot = pairs.get(q, j, &s);
          const vf shifted = add(s.value, add(load(entities.bias + j), shift));
          vf g;
          if (L == kSoftmax) {
            g = vexp(shifted);
          } else {
            vf softplus;
            softplus_sigmoid(shifted, &softplus, &g);
            g = mul(g, set1(scale));
          }
          if (every_label != 0) {
            g = sub(g, scaled_label);
            s_scores = add(s_scores, first_lanes(shifted, count - j));
          }
          const bool labelled = label < end_of_labels && *label - first < j + W;
          if (labelled || j + W > count) {
            float lane[W], score[W];
            store(lane, g);
            store(score, shifted);
            for (; label < end_of_labels && *label - first < j + W; label++) {
              lane[*label - first - j] -= scale * own_label[b];
              label_scores += score[*label - first - j];
            }
            for (int l = 0; l < W; l++) if (j + l >= count) lane[l] = 0;
            g = load(lane);
          }
          if (L == kLogistic) s_head = add(s_head, g);
          const PairGradient p = pair_gradient<S>(q, e, s, g, S == kRelationHyperbolic ? sub(dot, s.t) : zero());
          store(biases + j, add(load(biases + j), g));
          if (S != kDot) {
            s_weight = add(s_weight, p.weight);
            store(weights + j, add(load(weights + j), p.weight_p));
          }
          if (S >= kHyperbolic) {
            s_radial = add(s_radial, p.q_radial);
            s_c = add(s_c, p.by_c);
            store(radii + j, add(load(radii + j), p.p_radial));
          }
          store(row + j, p.weight_p);
          if (S == kRelationHyperbolic) store(weight_q + i * kTileStride + j, mul(p.weight, s.t));
        }
        double* own = sums + (size_t)(piece * kTileQueries + i) * kQuerySums;
        own[0] += lanes_sum(s_weight);
        own[1] += lanes_sum(s_radial);
        own[2] += lanes_sum(s_c);
        own[3] += label_scores;
        if (every_label != 0) own[4] += lanes_sum(s_scores);
        if (L == kLogistic) own[5] += lanes_sum(s_head);
      }
      // The sums of weight p and weight q. Signs and the terms in q and p are added at the end.
      accumulate(S == kRelationHyperbolic ? weight_q : tile.value, kTileStride, 1, block.count, count, x.points + (size_t)first * x.stride,
                 x.stride, partial_q + piece * size);
      accumulate(tile.value, 1, kTileStride, count, block.count, x.q + (size_t)block.first * x.stride, x.stride, gp);
      for (int j = 0; j < count; j++) {
        by_weight[first + j] = weights[j];
        radial[first + j] = radii[j];
        dbias[first + j] = biases[j];
        if (!done || S == kDot) continue;
        radial[first + j] *= p_radial_factor<S>(x.point_alpha[first + j]);
        float* g = gp + (size_t)j * x.stride;
        const float* p = x.points + (size_t)(first + j) * x.stride;
        for (int k = 0; k < x.stride; k++) g[k] = weights[j] * p[k] - g[k];
      }
    });
    parallel(block.count, 8, [&](int begin, int end, int) {
      for (int i = begin; i < end; i++) {
        const int b = block.first + i;
        double weight = 0, by_radius = 0, by_c = 0, label_scores = 0, scores = 0, by_head = 0;
        float* out = dq + (size_t)b * x.stride;
        for (int k = 0; k < x.stride; k++) out[k] = 0;
        for (int piece = 0; piece < pieces; piece++) {
          const double* own = sums + (size_t)(piece * kTileQueries + i) * kQuerySums;
          const float* gq = partial_q + piece * size + (size_t)i * x.stride;
          weight += own[0];
          by_radius += own[1];
          by_c += own[2];
          label_scores += own[3];
          scores += own[4];
          by_head += own[5];
          for (int k = 0; k < x.stride; k++) out[k] += gq[k];
        }
        const QueryLanes q = x.lanes(b);
        const float f = (float)(weight + q_radial_factor(q) * by_radius);
        if (S != kDot) for (int k = 0; k < x.stride; k++) out[k] = f * x.q[(size_t)b * x.stride + k] - out[k];
        if (S >= kHyperbolic) dc[b] += by_c_factor(q) * by_c;
        // The scores above include a shift, the same for all of a query's.
        if (L == kSoftmax) {
          const int count = offsets[b + 1] - offsets[b];
          const double shift = (float)(head(b) - total[b] + log_scale) - (double)head(b);
          label_scores -= shift * count;
          scores -= shift * x.n;
        }
        total[b] -= own_label[b] * label_scores + every_label * scores;
        dhead[b] = (float)by_head;
      }
    });
  }

  // The first of a query's labels at or above an entity.
  int first_label(int b, int entity) const {
    int low = offsets[b], high = offsets[b + 1];
    while (low < high) {
      const int middle = (low + high) / 2;
      if (labels[middle] < entity) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // Computes each query's own label, and the score of one label (kSoftmax only).
  void prepare(const Args& a) const {
    for (int b = 0; b < x.batch; b++) {
      const int count = offsets[b + 1] - offsets[b];
      first_labels[b] = labels[offsets[b]];
      own_label[b] = (float)(rest / (L == kSoftmax ? count : 1));
    }
    if (L == kSoftmax) candidates_forward<S>(Candidates(a, first_labels, 1), references);
  }

  void run(const Args& a) const {
    prepare(a);
    QueryBlock block;
    for (int b = 0; b < x.batch; b += Kept<S>::kQueries) {
      block.load_rows(x.q, x.stride, b, b + Kept<S>::kQueries < x.batch ? b + Kept<S>::kQueries : x.batch);
      forward(block);
      backward(block);
    }
  }
};

// allLoss(... as scoreAll up to packed ..., loss (0 softmax, 1 logistic), label offsets (B + 1), labels (ascending for each query),
//         smoothing, scale, losses (B, float64, written), dq (B x stride), dc (B, float64, added to), dHead (B), dPoints (N x stride),
//         radial (N), scratch: first labels (B, int32), own labels (B), references (B), by weight (N),
//         partial (kGradientPieces x kTileQueries x stride), sums ((kQuerySums + 2) x kGradientPieces x kTileQueries, float64),
//         kept (kKeptFloats x N rounded up to whole tiles); dBias (N))
// y_e = smoothing / N, plus 1 - smoothing for a label (divided by the number of a query's labels for a softmax). The loss of a query is the softmax
// cross-entropy log sum exp(s) - sum y_e s_e, or the binary one, sum softplus(s_e) - y_e s_e. The gradients are of `scale` times the sum over
// the batch. A softmax does not depend on the head's bias.
inline void check_all_loss(Checker& c) {
  const PairShape x = check_all_pairs(c);
  c.whole(15, kSoftmax, kLogistic);
  c.offsets(16, x.batch, c.length(17), true);
  c.runs(17, 16, x.batch, x.n);
  c.holds(20, x.batch);
  c.holds(21, times(x.batch, x.stride));
  c.holds(22, x.batch);
  c.holds(23, x.batch);
  c.holds(24, times(x.n, x.stride));
  c.holds(25, x.n);
  c.all_hold(26, 28, x.batch);
  c.holds(29, x.n);
  c.holds(30, times(kGradientPieces, kTileQueries, x.stride));
  c.holds(31, (kQuerySums + 2) * kGradientPieces * kTileQueries);
  c.holds(32, times(kKeptFloats, (x.n + kTileEntities - 1) / kTileEntities * kTileEntities));
  c.holds(33, x.n);
}
inline void all_loss(Args a) {
#define MULDE_CALL(S) a.count(15) == kSoftmax ? AllLoss<S, kSoftmax>(a).run(a) : AllLoss<S, kLogistic>(a).run(a)
  MULDE_BY_SIMILARITY(a.count(0), MULDE_CALL)
#undef MULDE_CALL
}

}  // namespace MULDE_ISA
}  // namespace mulde
