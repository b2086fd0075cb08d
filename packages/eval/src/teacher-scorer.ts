import { MuldeError } from "@mulde/errors";
import { checkCount, checkObject } from "./_checks.js";
import type { ScoreOptions, Scorer } from "./scorer.js";

/** Anything that scores given candidates: every `Teacher` of `@mulde/senior`, the Senior's own (`seniorTeacher`) among them. */
export interface CandidateScorer {
  /** N, if it knows only the entities 0..N-1. */
  readonly entities?: number | undefined;
  /** R, without reciprocals, if it knows only those relations. */
  readonly relations?: number | undefined;
  /** Writes the scores of B x K candidates, row by row, for B queries (heads[b], relations[b], ?) with relations 0..2R-1. */
  score(
    heads: Int32Array,
    relations: Int32Array,
    candidates: Int32Array,
    out: Float32Array,
    options?: ScoreOptions,
  ): void | Promise<void>;
}

/** Candidates of one call, 16 MiB of ids and as much of scores: large enough for any engine, small beside the block being ranked. */
const CALL_CANDIDATES = 2 ** 22;

/**
 * Ranks a teacher: a scorer that passes all N entities as candidates. It asks for several queries at once as long as their candidates number at
 * most 2^22, so memory stays bounded whatever the block.
 *
 * @param options - `entities` is N.
 * @throws MuldeError EVAL_BAD_OPTION if `entities` is not a positive integer or not the number that the teacher states, or if there is no
 * function `score`.
 */
export function teacherScorer(teacher: CandidateScorer, options: { readonly entities: number }): Scorer {
  checkObject(["teacher"], teacher, "an object with a function score");
  checkObject(["options"], options, "an object with entities");
  const { entities } = options;
  checkCount(["entities"], entities);
  if (typeof (teacher as Partial<CandidateScorer>).score !== "function") {
    throw new MuldeError("EVAL_BAD_OPTION", "has no function score(heads, relations, candidates, out).", {
      path: ["teacher"],
      value: teacher,
    });
  }
  if (teacher.entities !== undefined && teacher.entities !== entities) {
    throw new MuldeError(
      "EVAL_BAD_OPTION",
      `The teacher scores ${String(teacher.entities)} entities, but ${String(entities)} are to be ranked; use a teacher that was trained on this data.`,
      { value: teacher.entities },
    );
  }
  const rows = Math.max(1, Math.floor(CALL_CANDIDATES / entities));
  let candidates = new Int32Array();
  const all = (queries: number): Int32Array => {
    const size = queries * entities;
    if (candidates.length < size) candidates = Int32Array.from({ length: size }, (_, i) => i % entities);
    return candidates.subarray(0, size);
  };
  return {
    numEntities: entities,
    numRelations: teacher.relations,
    async scoreAll(heads, relations, out, scoring) {
      for (let from = 0; from < heads.length; from += rows) {
        const to = Math.min(from + rows, heads.length);
        const scores = out.subarray(from * entities, to * entities);
        await teacher.score(heads.subarray(from, to), relations.subarray(from, to), all(to - from), scores, scoring);
      }
    },
  };
}
