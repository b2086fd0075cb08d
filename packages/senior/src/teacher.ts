import { MuldeError } from "@mulde/errors";
import { checkCount, checkLength, firstNonFinite } from "./_check.js";

/** What a teacher is told beside the queries. */
export interface ScoreOptions {
  /** Aborts when nobody wants the scores any more. A teacher that waits, for example for a service, should then reject. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Anything that scores candidates: a frozen model of any family and dimension, an ensemble, a service, a table of saved scores.
 * Higher is better. Distillation never updates it.
 */
export interface Teacher {
  /** Errors and results call the teacher by this name. */
  readonly name: string;
  /** N, if the teacher knows only the entities 0..N-1. A run checks it once, when it starts. */
  readonly entities?: number | undefined;
  /** R, the number of relations without their reciprocals, if the teacher knows only those. */
  readonly relations?: number | undefined;
  /**
   * Set it if `score` always writes every value, as a kernel does. `collectScores` then skips its scan for missing and non-finite scores; the
   * Senior notices a score that is not finite and says whose it is.
   */
  readonly writesAll?: boolean | undefined;
  /**
   * Writes the score of every candidate answer to every query (heads[b], relations[b], ?). A relation id r >= R asks the reverse
   * question of relation r - R: the query (t, r, ?) asks for the heads of (?, r - R, t).
   *
   * @param heads - B entity ids
   * @param relations - B relation ids, 0..2R-1
   * @param candidates - B x K entity ids, row by row
   * @param out - B x K; write a finite number to every position
   */
  score(
    heads: Int32Array,
    relations: Int32Array,
    candidates: Int32Array,
    out: Float32Array,
    options?: ScoreOptions,
  ): void | Promise<void>;
}

/**
 * Checks a set of teachers before a run: every teacher has a function `score` and a name of its own, and those that state their sizes
 * fit the data.
 *
 * @param data - `entities` is N, `relations` is R without reciprocals
 * @throws MuldeError SENIOR_TEACHER that names the teacher, and both sizes where they differ
 */
export function checkTeachers(
  teachers: readonly Teacher[],
  data: { readonly entities: number; readonly relations: number },
): void {
  if (teachers.length === 0) throw new MuldeError("SENIOR_TEACHER", "There is no teacher; pass at least one.");
  const places = new Map<string, number>();
  for (const [i, teacher] of teachers.entries()) {
    checkTeacher(teacher, i, data);
    const { name } = teacher;
    const first = places.get(name);
    if (first !== undefined) {
      throw new MuldeError(
        "SENIOR_TEACHER",
        `the name "${name}" is taken by teacher ${String(first)}; give each teacher a name of its own.`,
        { path: ["teachers", i], value: name },
      );
    }
    places.set(name, i);
  }
}

/** Checks one of several teachers, against the sizes that are known. @throws MuldeError SENIOR_TEACHER as `checkTeachers` does */
export function checkTeacher(
  teacher: Teacher,
  i: number,
  data: { readonly entities?: number; readonly relations?: number },
): void {
  const name = nameOf(teacher, i);
  const refuse = (reason: string, value?: unknown): MuldeError =>
    new MuldeError("SENIOR_TEACHER", reason, { path: ["teachers", i], value });
  if (typeof (teacher.score as unknown) !== "function") {
    throw refuse(`"${name}" has no function "score"; a trained model becomes a teacher by modelTeacher(model, name).`);
  }
  for (const size of ["entities", "relations"] as const) {
    const [own, wanted] = [teacher[size], data[size]];
    if (own === undefined || wanted === undefined || own === wanted) continue;
    throw refuse(
      `"${name}" scores ${String(own)} ${size}, but the data has ${String(wanted)}; use a teacher that was trained on this data.`,
      own,
    );
  }
}

/** The name of the teacher at position `i`. @throws MuldeError SENIOR_TEACHER if it has none */
function nameOf({ name }: { readonly name?: unknown }, i: number): string {
  if (typeof name === "string" && name !== "") return name;
  throw new MuldeError("SENIOR_TEACHER", "the teacher has no name; give it one, so that errors can say which it is.", {
    path: ["teachers", i],
    value: name,
  });
}

/** @throws MuldeError SENIOR_TEACHER unless `name` can be a teacher's */
export function checkName(name: string): void {
  if (typeof (name as unknown) === "string" && name !== "") return;
  throw new MuldeError("SENIOR_TEACHER", `A teacher's name must be a string of at least one character.`, {
    value: name,
  });
}

/**
 * Asks every teacher for its scores, asynchronous ones side by side, and checks the answers. It settles only after every teacher has
 * answered, so that nobody writes to `out` afterwards.
 *
 * @param teachers - m teachers
 * @param heads - B entity ids
 * @param relations - B relation ids, 0..2R-1
 * @param candidates - B x K entity ids
 * @param out - m x B x K, teacher by teacher: the `teacherScores` of `Senior.step`
 * @throws MuldeError SENIOR_SHAPE if lengths do not fit; SENIOR_TEACHER if a teacher has no name; SENIOR_TEACHER_FAILED, with the
 *   cause, if one throws; SENIOR_TEACHER_NOT_FINITE if one writes NaN or an infinity, or leaves a score unwritten. The last two name the
 *   teacher. If the signal is aborted, its reason is thrown instead.
 */
export async function collectScores(
  teachers: readonly Teacher[],
  heads: Int32Array,
  relations: Int32Array,
  candidates: Int32Array,
  out: Float32Array,
  options?: ScoreOptions,
): Promise<void> {
  checkCount("The number of teachers", teachers.length);
  checkCount("The number of queries", heads.length);
  checkLength("relations", relations, heads.length, "B");
  const size = candidates.length;
  if (size === 0 || size % heads.length !== 0) {
    throw new MuldeError(
      "SENIOR_SHAPE",
      `candidates must hold B x K values, equally many for each of the ${String(heads.length)} queries, but holds ${String(size)}.`,
    );
  }
  checkLength("out", out, teachers.length * size, "m x B x K");
  teachers.forEach(nameOf);
  const answers = await Promise.allSettled(
    teachers.map((teacher, i) =>
      scoreChecked(teacher, heads, relations, candidates, out.subarray(i * size, (i + 1) * size), options),
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
  options?: ScoreOptions,
): Promise<void> {
  options?.signal?.throwIfAborted();
  // A score that the teacher forgets to write must not pass for one of an earlier batch.
  if (!teacher.writesAll) out.fill(NaN);
  try {
    await teacher.score(heads, relations, candidates, out, options);
  } catch (cause) {
    options?.signal?.throwIfAborted();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MuldeError("SENIOR_TEACHER_FAILED", `Teacher "${teacher.name}" failed to score a batch: ${reason}`, {
      cause,
    });
  }
  if (!teacher.writesAll) checkFinite(teacher, heads, relations, candidates, out);
}

/** A teacher's score of one candidate: the `value` of SENIOR_TEACHER_NOT_FINITE. */
export interface TeacherScore {
  /** the teacher's name */
  readonly teacher: string;
  readonly head: number;
  /** 0..2R-1 */
  readonly relation: number;
  readonly candidate: number;
  readonly score: number;
}

/** @throws MuldeError SENIOR_TEACHER_NOT_FINITE if a score is NaN or infinite, with a `TeacherScore` as `value` */
export function checkFinite(
  { name }: Pick<Teacher, "name">,
  heads: Int32Array,
  relations: Int32Array,
  candidates: Int32Array,
  scores: Float32Array,
): void {
  const at = firstNonFinite(scores);
  if (at === -1) return;
  const query = Math.floor(at / (candidates.length / heads.length));
  const value: TeacherScore = {
    teacher: name,
    head: heads[query]!,
    relation: relations[query]!,
    candidate: candidates[at]!,
    score: scores[at]!,
  };
  throw new MuldeError(
    "SENIOR_TEACHER_NOT_FINITE",
    `Teacher "${name}" gave ${String(value.score)} for head ${String(value.head)}, relation ${String(value.relation)}, ` +
      `tail ${String(value.candidate)}; a teacher must write a finite number for every candidate.`,
    { value },
  );
}
