import type { Tensor, Tensor2D } from "@tensorflow/tfjs-core";
import type { Tf } from "./tf.js";

/** Adds factor * h[head] * r[relation] to q[query], coordinates of a block. */
export type Term = readonly [query: number, head: number, relation: number, factor: number];

/**
 * Products of a head with a relation, block of coordinates by block of coordinates.
 *
 * @param terms - What a block of the query is the sum of.
 * @param block - Coordinates of a block of `head`, and of the result.
 * @param head - B x d, d a multiple of `block`.
 * @param relation - B x width, with as many blocks as `head`, of one length.
 * @returns B x d.
 */
export function blockProduct(
  tf: Tf,
  terms: readonly Term[],
  block: number,
  head: Tensor2D,
  relation: Tensor2D,
): Tensor2D {
  const blocks = head.shape[1] / block;
  const split = (x: Tensor2D): Tensor[] => {
    const size = x.shape[1] / blocks;
    return tf.split(tf.reshape(x, [-1, size]), size, 1);
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
