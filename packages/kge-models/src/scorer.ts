import { checkColumns, checkedModel, checkIds, checkRoom } from "./_checks.js";
import type { KgeModel } from "./model.js";
import type { RankCounts, RankQueries } from "./types.js";

/** A model as `@mulde/eval` ranks it. */
export interface ModelScorer {
  /** N */
  readonly numEntities: number;
  /** R, without reciprocals */
  readonly numRelations: number;
  /** Writes the scores of all entities as tails of B queries; `out` is B x N. */
  scoreAll(heads: Int32Array, relations: Int32Array, out: Float32Array): void;
  /** Counts the rivals of each query's target, by the fused kernel. */
  rank(queries: RankQueries, out: RankCounts): void;
}

/**
 * The model as a scorer for `@mulde/eval`, with its fused ranking. Its calls throw MODELS_ID for an id that the model does not have,
 * MODELS_SHAPE for arrays that do not fit each other, MODELS_DISPOSED after the model's `dispose`.
 */
export function modelScorer(model: KgeModel): ModelScorer {
  checkedModel(model);
  const check = (heads: Int32Array, relations: Int32Array): void => {
    checkColumns({ heads, relations });
    checkIds("head", heads, model.entities);
    checkIds("relation", relations, 2 * model.relations);
  };
  return {
    numEntities: model.entities,
    numRelations: model.relations,
    scoreAll(heads, relations, out) {
      check(heads, relations);
      checkRoom("out", out, heads.length * model.entities, "B x N");
      model.inference.scoreAll(heads, relations, out);
    },
    rank(queries, out) {
      const { heads, relations, targets, filterOffsets, filterIds } = queries;
      check(heads, relations);
      checkColumns({ targets }, heads.length);
      checkIds("target", targets, model.entities);
      checkColumns({ filterOffsets }, heads.length + 1);
      checkRoom("filterIds", filterIds, filterOffsets[heads.length]!, "filterOffsets[B]");
      for (const field of ["greater", "equal"] as const) checkRoom(field, out[field], heads.length, "B");
      model.inference.rank(queries, out);
    },
  };
}
