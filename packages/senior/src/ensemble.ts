import { MuldeError } from "@mulde/errors";
import { checkLength, firstNonFinite } from "./_check.js";
import type { Integrator } from "./senior.js";
import { checkFinite, scoreChecked, type Teacher } from "./teacher.js";

/**
 * The Senior as a teacher, so that it can be ranked, recorded or distilled like any other: score = (1/m) sum_i g_i s_i, of normalized
 * scores if the Senior normalizes. There is no Junior to contrast with, so every attention weight is 1/m. (The released code takes the sum; the
 * ranking is the same.)
 *
 * It asks the teachers one after the other and needs one B x K buffer, so a call with all N entities as candidates stays small.
 *
 * @param teachers - m, in the order in which the Senior was trained with them
 * @throws MuldeError SENIOR_SHAPE unless there are m teachers; SENIOR_TEACHER if their sizes differ; from `score` as `collectScores` does
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
      `The Senior was made for ${String(m)} teachers, but gets ${String(teachers.length)}; pass the teachers it was trained with, in their order.`,
    );
  }
  return {
    name,
    entities: commonSize(teachers, "entities"),
    relations: commonSize(teachers, "relations"),
    async score(heads, relations, candidates, out, options) {
      checkLength("relations", relations, heads.length, "B");
      checkLength("out", out, candidates.length, "B x K");
      const scales = senior.scales(relations);
      const K = candidates.length / heads.length;
      const scores = new Float32Array(out.length);
      out.fill(0);
      for (const [i, teacher] of teachers.entries()) {
        await scoreChecked(teacher, heads, relations, candidates, scores, options);
        senior.normalization?.apply(scores, { teachers: 1, B: heads.length, K }, scores);
        for (let b = 0; b < heads.length; b++) {
          const share = scales[b * m + i]! / m;
          for (let at = b * K; at < (b + 1) * K; at++) out[at]! += share * scores[at]!;
        }
      }
      if (firstNonFinite(out) === -1) return;
      // Teachers with writesAll were not scanned.
      for (const teacher of teachers) {
        await scoreChecked(teacher, heads, relations, candidates, scores, options);
        checkFinite(teacher, heads, relations, candidates, scores);
      }
    },
  };
}

/** The size that the teachers state; undefined if none does. */
function commonSize(teachers: readonly Teacher[], size: "entities" | "relations"): number | undefined {
  let first: Teacher | undefined;
  for (const teacher of teachers) {
    if (teacher[size] === undefined) continue;
    first ??= teacher;
    if (teacher[size] === first[size]) continue;
    throw new MuldeError(
      "SENIOR_TEACHER",
      `Teacher "${teacher.name}" scores ${String(teacher[size])} ${size}, but teacher "${first.name}" ${String(first[size])}; a Senior's teachers must be trained on the same data.`,
      { value: teacher[size] },
    );
  }
  return first?.[size];
}
