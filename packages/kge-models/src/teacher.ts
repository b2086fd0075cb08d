import type { KgeModel } from "./model.js";

/** The frozen model as a teacher for `@mulde/senior`. */
export function modelTeacher(
  model: KgeModel,
  name: string,
): {
  readonly name: string;
  readonly writesAll: true;
  score(heads: Int32Array, relations: Int32Array, candidates: Int32Array, out: Float32Array): void;
} {
  return {
    name,
    writesAll: true,
    score: (heads, relations, candidates, out) => model.inference.score(heads, relations, candidates, out),
  };
}
