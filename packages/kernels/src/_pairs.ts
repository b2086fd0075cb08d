import { checkParts, numberOf } from "./_fault.js";
import { similarities } from "./_generated.js";
import type { KernelArgument } from "./engine.js";
import type { PointTable, QueryBatch, Similarity } from "./shapes.js";

/** The number of a similarity. */
export function similarityOf(kernel: string, similarity: Similarity): number {
  return numberOf([kernel, "similarity"], similarities, similarity);
}

/** The arguments that every kernel over queries and points begins with. */
export function pairArguments(
  kernel: string,
  similarity: Similarity,
  queries: QueryBatch,
  points: PointTable,
): KernelArgument[] {
  checkParts(kernel, { queries, points });
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
