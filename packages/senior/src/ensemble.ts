import { checkLength } from "./_check.js";
import { MuldeError } from "@mulde/errors";
import type { Integrator } from "./senior.js";
import { scoreChecked, type Teacher } from "./teacher.js";

/**
 * The Senior as a teacher itself, so that it can be evaluated like one. No Junior is at hand, so the attention has nothing to
 * contrast with and every weight is 1/m: score = (1/m) sum_i g_i s_i, of normalized scores where the Senior normalizes. (The released code takes the sum; the ranking is the same.)
 *
 * Teachers are asked one after the other into one B x K buffer, so a call with all N entities as candidates stays small.
 *
 * @throws MuldeError SENIOR_SHAPE where the number of teachers is not the Senior's; from `score` as `collectScores` does
 */
export function seniorTeacher(
  senior: Pick<Integrator, "teachers" | "normalization" | "scales">,
  teachers: readonly Teacher[],
  name = "Senior",
): Teacher {
  const m = senior.teachers;
  if (teachers.length !== m) {
    throw new MuldeError(
      "SENIOR_SHAPE",
      `The Senior was made for ${String(m)} teachers, but is given ${String(teachers.length)}; give it the ones it was trained with, in their order.`,
    );
  }
  return {
    name,
    async score(heads, relations, candidates, out) {
      checkLength("relations", relations, heads.length, "B");
      checkLength("out", out, candidates.length, "B x K");
      const scales = senior.scales(relations);
      const K = candidates.length / heads.length;
      const scores = new Float32Array(out.length);
      out.fill(0);
      for (const [i, teacher] of teachers.entries()) {
        await scoreChecked(teacher, heads, relations, candidates, scores);
        senior.normalization?.apply(scores, { teachers: 1, B: heads.length, K }, scores);
        for (let b = 0; b < heads.length; b++) {
          const share = scales[b * m + i]! / m;
          for (let at = b * K; at < (b + 1) * K; at++) out[at]! += share * scores[at]!;
        }
      }
    },
  };
}
