import type { Tensor, Tf } from "../tensors.js";

/**
 * Floor of 1 + <x, y>. Near 0 the quotient grows without bound, and below 0 the sum turns around: a small training step could
 * throw a query to the other side of the space. With a floor of 0.1, a sum is at most ten times as long, a rounding error of <x, y>
 * grows at most a hundredfold, and the addition is continuous. Vectors shorter than 0.94 never meet it, since |<x, y>| <= |x| |y|.
 */
const MIN_DENOMINATOR = 0.1;

/**
 * The flexible addition of RotL, x (+)_alpha y = alpha (x + y) / (1 + <x, y>), with 1 + <x, y> floored at 0.1 and alpha = 1 + a.
 *
 * Tables start near 0, so 1 + a starts near 1, and penalties on a pull alpha to 1.
 *
 * @param x - B x d.
 * @param y - B x d, or 1 x d.
 * @param a - B x 1.
 * @returns B x d.
 */
export function flexibleAdd(tf: Tf, x: Tensor, y: Tensor, a: Tensor): Tensor {
  const denominator = tf.maximum(tf.add(tf.sum(tf.mul(x, y), 1, true), 1), MIN_DENOMINATOR);
  return tf.mul(tf.add(x, y), tf.div(tf.add(a, 1), denominator));
}
