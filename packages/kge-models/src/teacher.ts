import { hasCode, MuldeError } from "@mulde/errors";
import { checkColumns, checkedModel, checkIds, checkRoom } from "./_checks.js";
import type { KgeModel } from "./model.js";

/** A frozen model as `@mulde/senior` asks it. */
export interface ModelTeacher {
  readonly name: string;
  /** N */
  readonly entities: number;
  /** R, without reciprocals; queries use 2R relation ids */
  readonly relations: number;
  /** Every score is written, so that nobody needs to look for gaps. */
  readonly writesAll: true;
  /**
   * Writes the scores of each query's candidates.
   *
   * @param heads B entity ids
   * @param relations B relation ids, 0..2R-1
   * @param candidates B x K entity ids
   * @param out B x K
   */
  score(heads: Int32Array, relations: Int32Array, candidates: Int32Array, out: Float32Array): void;
}

/**
 * The frozen model as a teacher for `@mulde/senior`. `score` throws MODELS_ID with the teacher's name for an id that the model does not have,
 * MODELS_SHAPE for arrays that do not fit each other, MODELS_DISPOSED after the model's `dispose`.
 *
 * @param name - What messages and tables call the teacher; the scoring function's name unless given.
 */
export function modelTeacher(model: KgeModel, name: string = checkedModel(model).config.model): ModelTeacher {
  const { entities, relations: R } = checkedModel(model);
  const owner = `the teacher ${JSON.stringify(name)}`;
  return {
    name,
    entities,
    relations: R,
    writesAll: true,
    score(heads, relations, candidates, out) {
      checkColumns({ heads, relations });
      checkIds("head", heads, entities, owner);
      checkIds("relation", relations, 2 * R, owner);
      const size = candidates.length;
      if (heads.length === 0 ? size > 0 : size % heads.length !== 0) {
        throw new MuldeError(
          "MODELS_SHAPE",
          `candidates must hold B x K ids, the same number for each of the ${heads.length} queries, but holds ${size}.`,
          { path: ["candidates"] },
        );
      }
      checkRoom("out", out, size, "B x K");
      try {
        model.inference.score(heads, relations, candidates, out);
      } catch (error) {
        // The kernel checks the candidates, of which there are many; here they only get the teacher's name.
        if (hasCode(error, "KERNELS_BAD_ID")) checkIds("candidate", candidates, entities, owner);
        throw error;
      }
    },
  };
}
