import { MuldeError } from "@mulde/errors";
import { expmap0, hyperbolicDistance } from "./geometry.js";
import type { Tensor, Tf } from "../tensors.js";

/**
 * How a query embedding q is compared with an entity e. Greater is nearer.
 * - `hyperbolic`: -d_c(q, e)^2, where e is stored in the tangent space at the origin and expmap0 maps it with the query's c;
 * - `euclidean`: -|q - e|^2;
 * - `dot`: <q, e>.
 */
export type Similarity = "hyperbolic" | "euclidean" | "dot";

/** All similarities. */
export const SIMILARITIES: readonly Similarity[] = ["hyperbolic", "euclidean", "dot"];

/**
 * The similarities of queries and entities, without biases. This is the specification of the fused kernels. It stores B x K x d values, so
 * use it for small graphs only. Call it within `tf.tidy` or `tf.grads`.
 *
 * @param kind - Which similarity.
 * @param query - Query embeddings, B x d; for `hyperbolic` points of the ball.
 * @param entities - Rows of the entity table: the candidates of each query, B x K x d, or the same for all queries, N x d.
 * @param curvature - The positive c of the queries, shape [], [1] or B x 1; `hyperbolic` needs it, the others ignore it.
 * @returns B x K, or B x N.
 * @throws MuldeError MODELS_CURVATURE if `hyperbolic` gets no curvature
 */
export function similarity(tf: Tf, kind: Similarity, query: Tensor, entities: Tensor, curvature?: Tensor): Tensor {
  const queries = tf.expandDims(query, 1);
  const candidates = entities.rank === 2 ? tf.expandDims(entities, 0) : entities;
  if (kind === "dot") return tf.sum(tf.mul(queries, candidates), -1);
  // Not tf.squaredDifference: its gradient does not sum over broadcast axes.
  if (kind === "euclidean") return tf.neg(tf.sum(tf.square(tf.sub(queries, candidates)), -1));
  if (!curvature) {
    throw new MuldeError(
      "MODELS_CURVATURE",
      "The hyperbolic similarity needs the curvature of the queries; pass it as the last argument.",
    );
  }
  // N x d entities become 1 x N x d points under a shared curvature, and B x N x d under curvatures of B x 1.
  const points = expmap0(tf, candidates, curvature);
  return tf.neg(tf.square(hyperbolicDistance(tf, queries, points, curvature)));
}
