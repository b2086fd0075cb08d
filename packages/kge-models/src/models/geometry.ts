/**
 * The Poincare ball of curvature -c in TensorFlow.js ops, and rotations and reflections of coordinate pairs.
 *
 * Sources: Ganea, Becigneul, Hofmann, Hyperbolic Neural Networks, NeurIPS 2018 (expmap0, Mobius addition, distance); Chami et al.,
 * Low-Dimensional Hyperbolic Knowledge Graph Embeddings, ACL 2020 (Givens rotations and reflections).
 *
 * Points and vectors are B x d, or B x K x d, with coordinates along the last axis. The positive c is a tensor of shape [], [1] or
 * B x 1, so that a shared and a per-relation curvature both broadcast. Every returned point is inside the ball (see `project`).
 * Gradients are finite everywhere, also at zero vectors, equal points and the boundary. Call these functions within `tf.tidy`
 * or `tf.grads`, which free the intermediate tensors.
 */
import type { Tensor, Tf } from "../tensors.js";

/** Points keep sqrt(c)|x| <= 1 - 1e-5: beyond, 1 - c|x|^2 (at least 2e-5 here) would drown in float32's rounding. */
const BALL_EPSILON = 1e-5;

/** Floor of 1 - c|x|^2: half of what projected points have, so that it catches only points that were never projected. */
const MIN_GAP = 1e-5;

/** Clamp of tanh's argument: float32's tanh is 1 from 9 on, and exp must not overflow. */
const TANH_CLAMP = 15;

/** Below this c|u|^2, the series of tanh(s)/s replaces the quotient, whose derivative cancels as s goes to 0. */
const SERIES_LIMIT = 0.09;

/** tanh(s)/s in powers of s^2. At the limit, the first omitted term, 1382/155925 s^10, is 5e-8: below float32's resolution. */
const TANHC_SERIES = [1, -1 / 3, 2 / 15, -17 / 315, 62 / 2835] as const;

/** Squared norms are floored at (1e-15)^2 before a root, whose derivative at 0 is infinite. */
const MIN_NORM_SQUARED = 1e-30;

/**
 * The exponential map at the origin, tanh(sqrt(c)|u|) u / (sqrt(c)|u|), projected into the ball.
 *
 * @param u - Tangent vectors at the origin, B x d or B x K x d.
 * @returns Points of the ball, shaped as `u`.
 */
export function expmap0(tf: Tf, u: Tensor, c: Tensor): Tensor {
  const argumentSquared = tf.mul(align(tf, c, u), squaredNorm(tf, u));
  // Both forms are finite everywhere, since the gradient of the one not taken is multiplied by 0. tf.step chooses between them: it has a
  // gradient, which the comparison that tf.where needs has not.
  const small = tf.minimum(argumentSquared, SERIES_LIMIT);
  const series = TANHC_SERIES.reduceRight<Tensor>((sum, k) => tf.add(tf.mul(sum, small), k), tf.zerosLike(small));
  const argument = tf.sqrt(tf.maximum(argumentSquared, SERIES_LIMIT));
  // The norm of the result is the tanh, so limiting that is the projection.
  const norm = tf.minimum(tf.tanh(tf.minimum(argument, TANH_CLAMP)), 1 - BALL_EPSILON);
  const far = tf.step(tf.sub(argumentSquared, SERIES_LIMIT));
  return tf.mul(u, tf.add(tf.mul(far, tf.div(norm, argument)), tf.mul(tf.sub(1, far), series)));
}

/**
 * Pulls points back to sqrt(c)|x| <= 1 - 1e-5; points inside stay as they are.
 *
 * @param x - B x d or B x K x d.
 */
export function project(tf: Tf, x: Tensor, c: Tensor): Tensor {
  // The floor keeps the root's derivative finite at 0; 1/4 is far inside the ball, where nothing is scaled.
  const norm = tf.sqrt(tf.maximum(tf.mul(align(tf, c, x), squaredNorm(tf, x)), 0.25));
  return tf.mul(x, tf.minimum(tf.div(1 - BALL_EPSILON, norm), 1));
}

/**
 * Mobius addition, ((1 + 2c<x,y> + c|y|^2) x + (1 - c|x|^2) y) / (1 + 2c<x,y> + c^2|x|^2|y|^2), projected.
 *
 * We compute the same quotient, with w = x + y, as (c|w|^2 x + (1 - c|x|^2) w) / ((1 - c|x|^2)(1 - c|y|^2) + c|w|^2): its sums have
 * positive terms only, while the textbook form cancels for x near -y and near the boundary.
 *
 * @param x - Points of the ball, B x d or B x K x d.
 * @param y - Points of the ball, shaped as `x`.
 */
export function mobiusAdd(tf: Tf, x: Tensor, y: Tensor, c: Tensor): Tensor {
  const sum = tf.add(x, y);
  const spread = tf.mul(align(tf, c, x), squaredNorm(tf, sum));
  const gapX = gap(tf, x, c);
  const numerator = tf.add(tf.mul(spread, x), tf.mul(gapX, sum));
  const denominator = tf.add(tf.mul(gapX, gap(tf, y, c)), spread);
  return project(tf, tf.div(numerator, denominator), c);
}

/**
 * The distance d(x, y) = (1/sqrt(c)) arcosh(1 + 2c|x - y|^2 / ((1 - c|x|^2)(1 - c|y|^2))).
 *
 * Since arcosh(1 + 2v^2) = 2 arsinh(v), we compute (2/sqrt(c)) arsinh(sqrt(c)|x - y| / sqrt((1 - c|x|^2)(1 - c|y|^2))), which neither
 * saturates near the boundary, as artanh does, nor cancels for near points. (log1p would serve too, but that of tfjs-backend-wasm is
 * log(1 + x).)
 *
 * @param x - Points of the ball, B x d or B x K x d.
 * @param y - Points of the ball, of a shape that broadcasts with `x`.
 * @returns The shape of the points without its last axis: B, or B x K.
 */
export function hyperbolicDistance(tf: Tf, x: Tensor, y: Tensor, c: Tensor): Tensor {
  const curvature = align(tf, c, x);
  const gaps = tf.mul(gap(tf, x, c), gap(tf, y, c));
  const ratio = tf.div(tf.mul(curvature, squaredNorm(tf, tf.sub(x, y))), gaps);
  const half = tf.asinh(tf.sqrt(tf.maximum(ratio, MIN_NORM_SQUARED)));
  return tf.squeeze(tf.div(tf.mul(half, 2), tf.sqrt(curvature)), [-1]);
}

/**
 * Rotates consecutive coordinate pairs: if (a, b) is the pair of `r`, scaled to length 1, (x, y) becomes (ax - by, bx + ay).
 *
 * @param r - Rotations, B x d with d even, of any length: only angles count.
 * @param x - Vectors or points, B x d.
 */
export function givensRotation(tf: Tf, r: Tensor, x: Tensor): Tensor {
  const { a, b, first, second } = pairs(tf, r, x);
  const rotated = tf.concat(
    [tf.sub(tf.mul(a, first), tf.mul(b, second)), tf.add(tf.mul(b, first), tf.mul(a, second))],
    -1,
  );
  return tf.reshape(rotated, x.shape);
}

/**
 * Reflects consecutive coordinate pairs: if (a, b) is the pair of `r`, scaled to length 1, (x, y) becomes (ax + by, bx - ay).
 *
 * @param r - Reflections, B x d with d even, of any length.
 * @param x - Vectors or points, B x d.
 */
export function givensReflection(tf: Tf, r: Tensor, x: Tensor): Tensor {
  const { a, b, first, second } = pairs(tf, r, x);
  const reflected = tf.concat(
    [tf.add(tf.mul(a, first), tf.mul(b, second)), tf.sub(tf.mul(b, first), tf.mul(a, second))],
    -1,
  );
  return tf.reshape(reflected, x.shape);
}

/** |x|^2 over the last axis, which is kept with length 1. */
function squaredNorm(tf: Tf, x: Tensor): Tensor {
  return tf.sum(tf.square(x), -1, true);
}

/** 1 - c|x|^2, the conformal gap to the boundary. */
function gap(tf: Tf, x: Tensor, c: Tensor): Tensor {
  return tf.maximum(tf.sub(1, tf.mul(align(tf, c, x), squaredNorm(tf, x))), MIN_GAP);
}

/** Makes a curvature of shape B x 1 B x 1 x 1 for B x K x d points; shapes [] and [1] broadcast as they are. */
function align(tf: Tf, c: Tensor, x: Tensor): Tensor {
  return c.rank === 2 && x.rank === 3 ? tf.expandDims(c, -1) : c;
}

/** Splits r (with pairs scaled to length 1) and x into even and odd coordinates, each n x 1. */
function pairs(tf: Tf, r: Tensor, x: Tensor): { a: Tensor; b: Tensor; first: Tensor; second: Tensor } {
  const direction = tf.reshape(r, [-1, 2]);
  const norm = tf.sqrt(tf.maximum(squaredNorm(tf, direction), MIN_NORM_SQUARED));
  const [a, b] = tf.split(tf.div(direction, norm), 2, 1) as [Tensor, Tensor];
  const [first, second] = tf.split(tf.reshape(x, [-1, 2]), 2, 1) as [Tensor, Tensor];
  return { a, b, first, second };
}
