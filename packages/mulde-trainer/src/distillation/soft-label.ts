import { hasCode, MuldeError } from "@mulde/errors";
import type { Kernels } from "@mulde/kernels";
import {
  collectScores,
  type Senior,
  type SeniorLosses,
  type SeniorScore,
  type Teacher,
  type TeacherScore,
} from "@mulde/senior";
import { lowerWrong } from "../rules/held.js";
import type { AnswerRule } from "../rules/rule.js";
import { type Batch, type CandidateBlock, contiguous, type ScoredBlock } from "../step/block.js";
import type { Label, LabelLoss, StepControl } from "../step/parts.js";
import { at } from "./candidates.js";
import type { TopKMemory } from "./top-k-memory.js";

/** What a soft label is made with. */
export interface SoftLabelOptions {
  readonly kernels: Kernels;
  readonly teachers: readonly Teacher[];
  readonly senior: Senior;
  /** that teachers are held to */
  readonly rules: readonly AnswerRule[];
  /** most queries in a step */
  readonly rows: number;
  readonly K: number;
  /** lambda in the gradient */
  readonly weight: number;
  /** what the reported loss counts: 1, or the number of queries per fact where these are others than the facts' */
  readonly share?: number;
  /** Whether the Senior learns from it; it must not where no answer is known. True unless given. */
  readonly trainsSenior?: boolean;
  /** Keeps frozen teachers' scores of kept candidates. */
  readonly memory?: TopKMemory | undefined;
}

/** The soft label: teachers score the candidates, the Senior merges their scores, the Junior learns from the result. */
export class SoftLabel implements Label {
  readonly name = "soft";
  readonly #options: SoftLabelOptions;
  // Made at first use, so that nothing is left behind where a later part finds no memory.
  #ids: Int32Array = new Int32Array();
  /** m x B x K */
  #scores: Float32Array = new Float32Array();

  constructor(options: SoftLabelOptions) {
    this.#options = options;
  }

  async prepare(block: CandidateBlock, control?: StepControl): Promise<void> {
    this.#allocate();
    const { queries } = block;
    const { memory, teachers } = this.#options;
    const answers = this.#answers(queries.heads.length);
    // Only frozen teachers' scores are kept.
    if (memory?.teachers !== teachers.length) {
      return this.#ask(queries, contiguous(block, this.#ids), answers, control);
    }
    const unasked = at(queries, memory.unscored(queries));
    if (unasked.heads.length > 0) {
      const kept = this.#ids.subarray(0, unasked.heads.length * block.K);
      const own = this.#answers(unasked.heads.length);
      memory.recall(unasked, kept);
      await this.#ask(unasked, kept, own, control);
      memory.keepScores(unasked, own);
    }
    memory.recallScores(queries, answers);
  }

  learn({ queries, K, stride, candidates, scores, gradient }: ScoredBlock): LabelLoss {
    const { epoch, relations, tails } = queries;
    const { senior, teachers, weight: softWeight, share = 1, trainsSenior = true } = this.#options;
    const B = tails.length;
    const targets = Int32Array.from(tails, (tail, b) => candidates.subarray(b * stride, b * stride + K).indexOf(tail));
    const m = teachers.length;
    const weights = new Float32Array(B * m);
    let losses: SeniorLosses;
    try {
      losses = senior.step({
        epoch,
        relations,
        teacherScores: this.#answers(B),
        juniorScores: scores,
        gradJunior: gradient,
        stride,
        targets,
        softWeight,
        weights,
        learns: trainsSenior,
        B,
        K,
      });
    } catch (error) {
      throw hasCode(error, "SENIOR_TEACHER_NOT_FINITE", "SENIOR_TEACHER_TOO_LARGE", "SENIOR_NOT_FINITE")
        ? named(error, teachers, queries, candidates, stride)
        : error;
    }
    const { softLoss, seniorLoss } = losses;
    if (!trainsSenior) return { soft: share * softLoss };
    const attention = new Array<number>(m).fill(0);
    weights.forEach((weight, i) => (attention[i % m]! += weight / B));
    return { soft: share * softLoss, senior: seniorLoss, attention };
  }

  dispose(): void {
    this.#options.kernels.engine.free(this.#ids, this.#scores);
  }

  #allocate(): void {
    if (this.#scores.length > 0) return;
    const { kernels, teachers, rows, K } = this.#options;
    this.#ids = kernels.engine.int32(rows * K);
    this.#scores = kernels.engine.float32(teachers.length * rows * K);
  }

  async #ask(
    queries: Pick<Batch, "heads" | "relations">,
    candidates: Int32Array,
    answers: Float32Array,
    control?: StepControl,
  ): Promise<void> {
    const { teachers, rules } = this.#options;
    await collectScores(teachers, queries.heads, queries.relations, candidates, answers, control);
    lowerWrong(rules, queries, candidates, answers);
  }

  #answers(batch: number): Float32Array {
    return this.#scores.subarray(0, this.#options.teachers.length * batch * this.#options.K);
  }
}

/** The Senior knows teachers and queries by their positions; this is its error with the teacher's name and the ids. */
function named(
  { code, reason, value }: MuldeError,
  teachers: readonly Teacher[],
  { heads, relations }: Pick<Batch, "heads" | "relations">,
  candidates: Int32Array,
  stride: number,
): MuldeError {
  // Not of a score, but of losses.
  if (value === undefined) return new MuldeError(code, reason);
  const { teacher, query, candidate, score } = value as Omit<SeniorScore, "teacher"> & Partial<SeniorScore>;
  const [head, relation] = [heads[query]!, relations[query]!];
  const entity = candidates[query * stride + candidate]!;
  if (teacher === undefined) return new MuldeError(code, reason, { value: { head, relation, entity, score } });
  const { name } = teachers[teacher]!;
  const own: TeacherScore = { teacher: name, head, relation, candidate: entity, score };
  return new MuldeError(code, `${reason.replace(/\.$/, "")} (the teacher is "${name}").`, { value: own });
}
