import { checkCount, checkLength, firstNonFinite } from "./_check.js";
import { MuldeError } from "@mulde/errors";

/**
 * Anything that scores candidates: a frozen model of any family and dimension, an ensemble, a table of saved scores.
 * Higher is better. It is never updated while distilling.
 */
export interface Teacher {
  readonly name: string;
  /**
   * Vouches that every score is written, as a kernel does. Its scores are then not read once more to be checked: a score that is not
   * finite is found by the Senior, whose loss it spoils.
   */
  readonly writesAll?: boolean;
  /**
   * Writes the score of every candidate tail of every query (heads[b], relations[b], ?).
   *
   * @param heads B entity ids
   * @param relations B relation ids, 0..2R-1 with reciprocals
   * @param candidates B x K entity ids
   * @param out B x K, every value to be written with a finite number
   */
  score(heads: Int32Array, relations: Int32Array, candidates: Int32Array, out: Float32Array): void | Promise<void>;
}

/**
 * Asks every teacher for its scores, asynchronous ones side by side, and checks them. Returns once all have answered, so
 * that nobody writes to `out` any more when an error is thrown.
 *
 * @param teachers m teachers
 * @param heads B entity ids
 * @param relations B relation ids, 0..2R-1
 * @param candidates B x K entity ids
 * @param out m x B x K, teacher by teacher: what `Senior.step` takes as `teacherScores`
 * @throws MuldeError SENIOR_SHAPE where lengths do not fit, SENIOR_TEACHER_FAILED (with the cause) where a teacher throws,
 *   SENIOR_TEACHER_NOT_FINITE where one writes NaN or an infinity; both name the teacher
 */
export async function collectScores(
  teachers: readonly Teacher[],
  heads: Int32Array,
  relations: Int32Array,
  candidates: Int32Array,
  out: Float32Array,
): Promise<void> {
  checkCount("The number of teachers", teachers.length);
  checkCount("The number of queries", heads.length);
  checkLength("relations", relations, heads.length, "B");
  const size = candidates.length;
  if (size === 0 || size % heads.length !== 0) {
    throw new MuldeError(
      "SENIOR_SHAPE",
      `candidates must hold B x K values, the same number for each of the ${String(heads.length)} queries, but holds ${String(size)}.`,
    );
  }
  checkLength("out", out, teachers.length * size, "m x B x K");
  const answers = await Promise.allSettled(
    teachers.map((teacher, i) =>
      scoreChecked(teacher, heads, relations, candidates, out.subarray(i * size, (i + 1) * size)),
    ),
  );
  for (const answer of answers) if (answer.status === "rejected") throw answer.reason;
}

/** One teacher's scores into `out` (B x K), with the errors of `collectScores`. */
export async function scoreChecked(
  teacher: Teacher,
  heads: Int32Array,
  relations: Int32Array,
  candidates: Int32Array,
  out: Float32Array,
): Promise<void> {
  // A score that the teacher forgets to write must not pass for the one of an earlier batch.
  if (!teacher.writesAll) out.fill(NaN);
  try {
    await teacher.score(heads, relations, candidates, out);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MuldeError("SENIOR_TEACHER_FAILED", `Teacher "${teacher.name}" failed to score a batch: ${reason}`, {
      cause,
    });
  }
  const bad = teacher.writesAll ? -1 : firstNonFinite(out);
  if (bad === -1) return;
  const query = Math.floor(bad / (candidates.length / heads.length));
  throw new MuldeError(
    "SENIOR_TEACHER_NOT_FINITE",
    `Teacher "${teacher.name}" gave ${String(out[bad])} for head ${String(heads[query])}, relation ${String(relations[query])}, ` +
      `tail ${String(candidates[bad])}; every score must be written and finite, so check that the teacher's parameters are.`,
  );
}
