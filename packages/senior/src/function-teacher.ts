import { MuldeError } from "@mulde/errors";
import { checkName, type ScoreOptions, type Teacher } from "./teacher.js";

/**
 * A teacher from a function: a remote service, a language model, another library.
 *
 * @param scores - Gets B heads, B relations (r >= R asks the reverse question of r - R) and B x K candidates; returns B x K scores, row by row, or a promise of them
 * @returns A teacher whose `score` throws SENIOR_TEACHER_LENGTH if the function returns another number of scores
 * @throws MuldeError SENIOR_TEACHER for an empty name
 */
export function functionTeacher(
  name: string,
  scores: (
    heads: Int32Array,
    relations: Int32Array,
    candidates: Int32Array,
    options?: ScoreOptions,
  ) => ArrayLike<number> | Promise<ArrayLike<number>>,
): Teacher {
  checkName(name);
  return {
    name,
    async score(heads, relations, candidates, out, options) {
      const given = await scores(heads, relations, candidates, options);
      if (given.length !== out.length) {
        throw new MuldeError(
          "SENIOR_TEACHER_LENGTH",
          `it returned ${String(given.length)} scores for ${String(heads.length)} queries with ${String(out.length)} candidates in all; return one for each candidate.`,
        );
      }
      out.set(given);
    },
  };
}
