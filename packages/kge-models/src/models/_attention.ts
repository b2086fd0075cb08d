import type { Tensor, Tensor2D, Tf } from "../tensors.js";

/**
 * Attention over two candidates (Chami et al., 2020, section 4.2): sum of alpha_i x_i with alpha = softmax_i(<context, x_i> / sqrt(d)). It
 * is computed as a sigmoid of the difference, which a softmax over two values is. All tensors are B x d.
 */
export function attend(tf: Tf, context: Tensor2D, first: Tensor, second: Tensor): Tensor {
  const difference = tf.sub(first, second);
  const logit = tf.div(tf.sum(tf.mul(context, difference), -1, true), Math.sqrt(context.shape[1]));
  return tf.add(second, tf.mul(tf.sigmoid(logit), difference));
}
