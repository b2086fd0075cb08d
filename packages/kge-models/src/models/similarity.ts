import type { Tensor, Tensor2D, Tensor3D } from "@tensorflow/tfjs-core";
import { MuldeError } from "@mulde/errors";
import { expmap0, hyperbolicDistance } from "./geometry.js";
import type { Tf } from "../tf.js";

/**
 * How a query embedding q is compared with an entity e; greater is nearer.
 * - `hyperbolic`: -d_c(q, e)^2, e stored in the tangent space at the origin and mapped by expmap0 with the query's c;
 * - `euclidean`: -|q - e|^2;
 * - `dot`: <q, e>.
 */
export type Similarity = "hyperbolic" | "euclidean" | "dot";

/** Every {@link Similarity}. */
export const SIMILARITIES: readonly Similarity[] = ["hyperbolic", "euclidean", "dot"];

/**
 * The similarities of queries with entities, without the models' biases. This is the specification of the fused kernels: it
 * materialises B x K x d values, so give it all entities of small graphs only. Call it within `tf.tidy` or `tf.grads`.
 *
 * @param kind - Which similarity.
 * @param query - Query embeddings, B x d; for `hyperbolic` points of the ball.
 * @param entities - Rows of the entity table: candidates of each query, B x K x d, or one set for all queries, N x d.
 * @param curvature - The positive c of the queries, shape [], [1] or B x 1; needed for `hyperbolic`, else unused.
 * @returns B x K, or B x N.
 * @throws MuldeError MODELS_CURVATURE if `hyperbolic` is asked for without a curvature.
 */
export function similarity(
  tf: Tf,
  kind: Similarity,
  query: Tensor2D,
  entities: Tensor2D | Tensor3D,
  curvature?: Tensor,
): Tensor2D {
  const queries = tf.expandDims(query, 1);
  const candidates = entities.rank === 2 ? tf.expandDims(entities, 0) : entities;
  if (kind === "dot") return tf.sum(tf.mul(queries, candidates), -1);
  // Not tf.squaredDifference: its gradient does not sum over the axes that were broadcast.
  if (kind === "euclidean") return tf.neg(tf.sum(tf.square(tf.sub(queries, candidates)), -1));
  if (!curvature) {
    throw new MuldeError("MODELS_CURVATURE", "The hyperbolic similarity needs the curvature of the queries; give it.");
  }
  // Mapped by expmap0, N x d entities become 1 x N x d under a shared curvature and B x N x d under curvatures of B x 1.
  const points = expmap0<Tensor>(tf, candidates, curvature);
  return tf.neg(tf.square(hyperbolicDistance(tf, queries, points, curvature))) as Tensor2D;
}
