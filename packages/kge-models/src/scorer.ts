import type { KgeModel } from "./model.js";
import type { RankCounts, RankQueries } from "./types.js";

/** The model as a scorer for `@mulde/eval`, with its fused ranking. */
export function modelScorer(model: KgeModel): {
  readonly numEntities: number;
  scoreAll(heads: Int32Array, relations: Int32Array, out: Float32Array): void;
  rank(queries: RankQueries, out: RankCounts): void;
} {
  return {
    numEntities: model.entities,
    scoreAll: (heads, relations, out) => model.inference.scoreAll(heads, relations, out),
    rank: (queries, out) => model.inference.rank(queries, out),
  };
}
