import type { Tensor, Tensor2D, Tf } from "../tensors.js";

/** Adds factor * h[head] * r[relation] to q[query], coordinates of a block. */
export type Term = readonly [query: number, head: number, relation: number, factor: number];

/**
 * Products of a head and a relation, one block of coordinates after the other.
 *
 * @param terms - The terms of each block of the query.
 * @param block - Coordinates in a block of `head` and of the result.
 * @param head - B x d, d a multiple of `block`.
 * @param relation - B x width, with as many blocks as `head`, all of one length.
 * @returns B x d.
 */
export function blockProduct(tf: Tf, terms: readonly Term[], block: number, head: Tensor2D, relation: Tensor): Tensor {
  const blocks = head.shape[1] / block;
  const split = (x: Tensor): Tensor[] => {
    const size = x.shape[1]! / blocks;
    const columns = tf.reshape(x, [-1, size]);
    // The gradient of tf.split fails for a single part.
    return size === 1 ? [columns] : tf.split(columns, size, 1);
  };
  const h = split(head);
  const r = split(relation);
  const query: (Tensor | undefined)[] = h.map(() => undefined);
  for (const [to, from, by, factor] of terms) {
    const product = tf.mul(h[from]!, r[by]!);
    const term = factor === 1 ? product : tf.mul(product, factor);
    query[to] = query[to] ? tf.add(query[to], term) : term;
  }
  return tf.reshape(
    tf.concat(
      query.map((x) => x ?? tf.zerosLike(h[0]!)),
      1,
    ),
    head.shape,
  );
}

/** Floor of squared lengths, (1e-15)^2 as in the kernels: the root's derivative at 0 is infinite. */
const MIN_LENGTH_SQUARED = 1e-30;

/** Scales each block of coordinates to length 1. B x d, d a multiple of `block`. */
export function unitBlocks(tf: Tf, block: number, x: Tensor): Tensor {
  const blocks = tf.reshape(x, [-1, block]);
  const square = tf.sum(tf.square(blocks), 1, true);
  return tf.reshape(tf.div(blocks, tf.sqrt(tf.maximum(square, MIN_LENGTH_SQUARED))), x.shape);
}
