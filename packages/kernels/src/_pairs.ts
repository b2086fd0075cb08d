import type { KernelArgument } from "./engine.js";
import { type PointTable, type QueryBatch, type Similarity, similarityOf } from "./shapes.js";

/** The arguments with which every kernel over pairs of queries and points begins. */
export function pairArguments(
  kernel: string,
  similarity: Similarity,
  queries: QueryBatch,
  points: PointTable,
): KernelArgument[] {
  return [
    similarityOf(kernel, similarity),
    queries.size,
    queries.dim,
    queries.q,
    queries.square,
    queries.alpha,
    queries.curvature,
    queries.headBias,
    points.size,
    points.dim,
    points.points,
    points.norm,
    points.alpha,
    points.bias,
  ];
}
