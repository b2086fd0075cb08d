// Similarities of a query point q and an entity point p: the elementwise part, which starts from their inner product or squared distance.
//
// Hyperbolic points are in the unit ball (see geometry.h). With D = |q - p|^2, alpha = 1 / (1 - |x|^2) and u = 2 D alpha_q alpha_p, the score is
// s = -A^2 / c with A = arcosh(1 + u) = log1p(u + sqrt(u (u + 2))). This form is accurate up to the boundary, where the artanh form
// saturates.
//
// kRelationHyperbolic has one curvature per relation, so an entity has no fixed point in the ball. It is stored as a unit direction v and the
// norm n of its tangent vector: p = t v with t = tanh(sqrt(c) n), where c is the query's.
#pragma once
#include "elementary.h"
#include "runtime.h"

namespace mulde {
namespace MULDE_ISA {

enum Similarity { kDot, kEuclidean, kHyperbolic, kRelationHyperbolic, kSimilarities };

// An entity's squared norm (kRelationHyperbolic: its tangent norm n) and alpha.
struct EntityLanes {
  vf norm, alpha;
};

// The constants of one query, for all lanes.
struct QueryLanes {
  float square, alpha, c, sqrt_c;

  // f alpha, f / c and f sqrt(c)
  MULDE_INLINE vf by_alpha(float f) const { return set1(f * alpha); }
  MULDE_INLINE vf over_c(float f) const { return set1(f / c); }
  MULDE_INLINE vf by_sqrt_c(float f) const { return set1(f * sqrt_c); }
};

// The constants of a different query in each lane.
struct MixedLanes {
  vf alpha, c, sqrt_c;

  MULDE_INLINE vf by_alpha(float f) const { return mul(set1(f), alpha); }
  MULDE_INLINE vf over_c(float f) const { return div(set1(f), c); }
  MULDE_INLINE vf by_sqrt_c(float f) const { return mul(set1(f), sqrt_c); }
};

// The constants of a batch: |q|^2, alpha, and c (null stands for 1).
struct QueryConstants {
  const float *square, *alpha, *c;

  QueryLanes lanes(int b) const {
    const float cb = c ? c[b] : 1;
    return {square[b], alpha[b], cb, (float)dsqrt(cb)};
  }
};

// A score and the parts of it that its gradient needs.
struct Score {
  vf value;   // without biases
  vf t;       // kRelationHyperbolic: radius of the entity's point
  vf cosh2;   // kRelationHyperbolic: its alpha
  vf u, angle, root;
};

template <int S, class Q>
MULDE_INLINE void entity_radius(const Q& q, const EntityLanes& e, Score* s) {
  if (S != kRelationHyperbolic) return;
  // atanh(1 - 1e-5), where points are projected
  vtanh(vmin(mul(q.by_sqrt_c(1), e.norm), set1(6.10303f)), &s->t, &s->cosh2);
}

// sinh(A) = sqrt(u (u + 2))
MULDE_INLINE vf score_root(vf u) { return vsqrt(mul(u, add(u, set1(2.0f)))); }

// Completes a hyperbolic score from u and the angle.
template <class Q>
MULDE_INLINE void finish_score(const Q& q, Score* s) {
  s->root = score_root(s->u);
  s->value = mul(mul(s->angle, s->angle), q.over_c(-1));
}

// `term` is <q, p> for kDot and D otherwise. entity_radius must have run.
template <int S, class Q>
MULDE_INLINE void score_lanes(const Q& q, const EntityLanes& e, vf term, Score* s) {
  if (S == kDot) {
    s->value = term;
  } else if (S == kEuclidean) {
    s->value = sub(zero(), term);
  } else {
    const vf alpha = S == kHyperbolic ? e.alpha : s->cosh2;
    s->u = mul(mul(term, q.by_alpha(2)), alpha);
    s->angle = vlog1p(add(s->u, score_root(s->u)));
    finish_score(q, s);
  }
}

// The gradient of a loss by both points of a pair, from gs = dL/ds:
//   dq = sum weight (q - p) + q_radial q           (kDot: sum weight p)
//   dp = -sum weight (q - p) + p_radial p          (kDot: sum weight q)
// For kRelationHyperbolic the entity's gradient is by its tangent vector: by the direction (weight_p) and the norm (p_radial).
// Factors that all pairs of a query or an entity share are left out and applied to the sums: see the functions below.
struct PairGradient {
  vf weight, q_radial, weight_p, p_radial, by_c;
};
MULDE_INLINE float q_radial_factor(const QueryLanes& q) { return 2 * q.alpha; }
MULDE_INLINE float by_c_factor(const QueryLanes& q) { return -1 / q.c; }
template <int S>
MULDE_INLINE float p_radial_factor(float alpha) { return S == kHyperbolic ? 2 * alpha : 1; }

// `along` is <v, q> - t, for kRelationHyperbolic only.
template <int S, class Q>
MULDE_INLINE PairGradient pair_gradient(const Q& q, const EntityLanes& e, const Score& s, vf gs, vf along) {
  PairGradient g;
  if (S == kDot || S == kEuclidean) {
    g.weight = S == kDot ? gs : mul(gs, set1(-2.0f));
    g.weight_p = g.weight;
    g.q_radial = g.p_radial = g.by_c = zero();
    return g;
  }
  // dA/du = 1 / root. The floor avoids a division by 0, where all that gu multiplies vanishes. NaN stays NaN.
  const vf gu = mul(mul(gs, q.over_c(-2)), div(s.angle, vmax(set1(1e-18f), s.root)));
  g.q_radial = mul(gu, s.u);
  g.by_c = mul(gs, s.value);
  if (S == kHyperbolic) {
    g.weight = mul(gu, mul(q.by_alpha(4), e.alpha));
    g.weight_p = g.weight;
    g.p_radial = g.q_radial;
    return g;
  }
  g.weight = mul(gu, mul(q.by_alpha(4), s.cosh2));
  // By the entity's direction: times t / n, whose limit at n = 0 is sqrt(c).
  const vf tiny = set1(1e-12f);
  g.weight_p = mul(g.weight, select(lt(e.norm, tiny), q.by_sqrt_c(1), div(s.t, vmax(e.norm, tiny))));
  // d/da of t = tanh(a) and alpha = cosh^2(a), which is 0 where a is capped.
  const vf capped = mul(q.by_sqrt_c(1), e.norm);
  const vf by_a = sub(mul(set1(2.0f), mul(s.t, g.q_radial)), div(mul(g.weight, along), s.cosh2));
  const vf da = select(lt(capped, set1(6.10303f)), by_a, zero());
  g.p_radial = mul(da, q.by_sqrt_c(1));
  g.by_c = fnma(mul(da, e.norm), q.by_sqrt_c(0.5f), g.by_c);
  return g;
}

// Runs call(S) for the similarity `sim`.
#define MULDE_BY_SIMILARITY(sim, call)              \
  switch (sim) {                                    \
    case kDot: return call(kDot);                   \
    case kEuclidean: return call(kEuclidean);       \
    case kHyperbolic: return call(kHyperbolic);     \
    default: return call(kRelationHyperbolic);      \
  }

}  // namespace MULDE_ISA
}  // namespace mulde
