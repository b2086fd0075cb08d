import type { Teacher } from "./teacher.js";
import { MuldeError } from "@mulde/errors";

/**
 * A teacher from a function: a remote service, a language model, another library. It gets B heads, B relations and B x K candidates, and
 * returns B x K scores, row by row, or a promise of them.
 *
 * @returns A teacher whose `score` throws SENIOR_TEACHER_LENGTH where the function returns another number of scores
 */
export function functionTeacher(
  name: string,
  scores: (
    heads: Int32Array,
    relations: Int32Array,
    candidates: Int32Array,
  ) => ArrayLike<number> | Promise<ArrayLike<number>>,
): Teacher {
  return {
    name,
    async score(heads, relations, candidates, out) {
      const given = await scores(heads, relations, candidates);
      if (given.length !== out.length) {
        throw new MuldeError(
          "SENIOR_TEACHER_LENGTH",
          `it returned ${String(given.length)} scores for ${String(heads.length)} queries with ${String(out.length)} candidates in all.`,
        );
      }
      out.set(given);
    },
  };
}
