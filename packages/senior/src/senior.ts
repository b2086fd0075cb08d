// The Senior of MulDE: Wang, Liu, Ma, Sheng, "MulDE: Multi-teacher Knowledge Distillation for Low-dimensional Knowledge
// Graph Embeddings", WWW 2021 (arXiv 2010.07152), section 4.2. Contrast weights are detached, unlike in the released code.
import { checkCount, checkIds, checkLength, checkRows, firstNonFinite } from "./_check.js";
import { contrastAttention, uniformAttention, type Attention } from "./attention.js";
import { MuldeError } from "@mulde/errors";
import type { SeniorKernels, SeniorLosses, SeniorStepArguments } from "./kernel.js";
import type { Normalization } from "./normalization.js";
import { noScaling, relationScaling, type Parameter, type Scaling } from "./scaling.js";

export interface SeniorOptions {
  /** m. */
  readonly teachers: number;
  /** 2R: relations with their reciprocals. */
  readonly relations: number;
  /** What computes the step: `await createKernels()`, or `{ seniorStep: seniorStepReference }`. */
  readonly kernels: SeniorKernels;
  /** Of the teachers' scores, before the scaling; none unless given, as in the paper. */
  readonly normalization?: Normalization;
  /** `relationScaling({ relations, teachers })` unless given. */
  readonly scaling?: Scaling;
  /** `contrastAttention()` with the paper's schedule unless given. */
  readonly attention?: Attention;
  /** T of the soft label; 1 unless given, as in the paper. */
  readonly temperature?: number;
  /** Whether lambda * L_soft trains the scaling beside L_senior; true unless given, as in the released code. */
  readonly trainOnSoftLabels?: boolean;
}

/** B queries with K candidates each: what the Senior integrates. */
export interface SeniorBatch {
  /** t, counted from 0. */
  readonly epoch: number;
  /** B relation ids, 0..2R-1. */
  readonly relations: Int32Array;
  /** m x B x K, as `collectScores` writes them. */
  readonly teacherScores: Float32Array;
  /** s_J, B x K: the Junior's scores of the same candidates, a row every `stride` values. */
  readonly juniorScores: Float32Array;
  /**
   * Values from row to row of `juniorScores` and of `gradJunior`; K unless given. With the row length of a larger score matrix, both are
   * a block of its columns: pass `matrix.subarray(firstColumn)`, which ends at most at the end of the last row.
   */
  readonly stride?: number;
  readonly B: number;
  readonly K: number;
}

/** A batch with what training needs. */
export interface SeniorStep extends SeniorBatch {
  /** B: the position of the true tail within the query's K candidates, or -1 where it is not among them. */
  readonly targets: Int32Array;
  /** lambda, the weight of L_soft in the total loss; paper: .5 on FB15k-237, .01 on WN18RR. */
  readonly softWeight: number;
  /** Out, B x K, a row every `stride` values: d(lambda * L_soft) / d s_J. What lies between the rows is left alone. */
  readonly gradJunior: Float32Array;
  /** Out, B x m, if given: the attention weights a. */
  readonly weights?: Float32Array;
}

/** What the Senior says of a batch. */
export interface SoftLogits {
  /** s_soft = sum_i a_i s'_i, B x K. The soft label is softmax(s_soft / T). */
  readonly softLogits: Float32Array;
  /** a, B x m; every row sums to 1. */
  readonly weights: Float32Array;
}

/** Anything that turns many teachers' scores into one soft label and learns from it. */
export interface Integrator {
  readonly teachers: number;
  readonly normalization?: Normalization | undefined;
  step(step: SeniorStep): SeniorLosses;
  softLogits(batch: SeniorBatch): SoftLogits;
  scales(relations: Int32Array): Float32Array;
  parameters(): readonly Parameter[];
}

/** One normalization, one scaling and one attention, composed: soft logits, the two losses and their gradients. */
export class Senior implements Integrator {
  /** m. */
  readonly teachers: number;
  /** 2R. */
  readonly relations: number;
  /** What is done to the teachers' scores before the scaling, if anything. */
  readonly normalization: Normalization | undefined;
  readonly #kernels: SeniorKernels;
  readonly #scaling: Scaling;
  readonly #attention: Attention;
  readonly #temperature: number;
  readonly #trainOnSoft: boolean;
  #normalized = new Float32Array();

  /** @throws MuldeError SENIOR_SHAPE for counts below 1, SENIOR_TEMPERATURE for a temperature that is not a finite number above 0 */
  constructor(options: SeniorOptions) {
    checkCount("teachers", options.teachers);
    checkCount("relations", options.relations);
    const temperature = options.temperature ?? 1;
    if (!(temperature > 0 && temperature < Infinity)) {
      throw new MuldeError(
        "SENIOR_TEMPERATURE",
        `temperature must be a finite number above 0, but is ${String(temperature)}.`,
      );
    }
    this.teachers = options.teachers;
    this.relations = options.relations;
    this.#kernels = options.kernels;
    this.normalization = options.normalization;
    this.#scaling = options.scaling ?? relationScaling(options);
    this.#attention = options.attention ?? contrastAttention();
    this.#temperature = temperature;
    this.#trainOnSoft = options.trainOnSoftLabels ?? true;
  }

  /**
   * One training step: both losses, the Junior's gradient into `gradJunior`, and the gradient of
   * L_senior [+ lambda * L_soft] into the parameters (overwriting the last step's).
   *
   * @throws MuldeError SENIOR_SHAPE, SENIOR_ID or SENIOR_TEMPERATURE for bad input, SENIOR_TEACHER_NOT_FINITE where only a teacher's
   *   scores are NaN or infinite, else SENIOR_NOT_FINITE where scores are, or are too large for a finite loss; the parameters'
   *   gradients are then left as they were
   */
  step(step: SeniorStep): SeniorLosses {
    this.#check(step);
    checkLength("targets", step.targets, step.B, "B");
    checkIds("targets", step.targets, -1, step.K - 1);
    checkRows("gradJunior", step.gradJunior, step.B, step.K, step.stride ?? step.K);
    if (!(step.softWeight >= 0 && step.softWeight < Infinity)) {
      throw new MuldeError(
        "SENIOR_SOFT_WEIGHT",
        `softWeight must be a finite number of at least 0, but is ${String(step.softWeight)}.`,
      );
    }
    const { targets, softWeight, gradJunior, weights = null } = step;
    if (weights) checkLength("weights", weights, step.B * this.teachers, "B x m");
    const gradScales = new Float32Array(step.B * this.teachers);
    const losses = this.#run(step, { targets, softWeight, gradJunior, gradScales, softLogits: null, weights });
    this.#scaling.zeroGradients();
    this.#scaling.backward(step.relations, gradScales);
    return losses;
  }

  /** The soft logits and attention weights of a batch, for evaluation and inspection; trains nothing. Throws as `step` does. */
  softLogits(batch: SeniorBatch): SoftLogits {
    this.#check(batch);
    const { B, K } = batch;
    const softLogits = new Float32Array(B * K);
    const weights = new Float32Array(B * this.teachers);
    this.#run(batch, {
      targets: new Int32Array(B).fill(-1),
      softWeight: 0,
      softLogits,
      weights,
      gradJunior: new Float32Array(B * (batch.stride ?? K)),
      gradScales: new Float32Array(B * this.teachers),
    });
    return { softLogits, weights };
  }

  /** The scales g, B x m, of B relation ids. @throws MuldeError SENIOR_ID for a relation outside 0..2R-1 */
  scales(relations: Int32Array): Float32Array {
    checkIds("relations", relations, 0, this.relations - 1);
    const scales = this.#scaling.scales(relations, this.teachers);
    checkLength("The scaling's scales", scales, relations.length * this.teachers, "B x m");
    return scales;
  }

  /** The scaling's parameters, for the optimizer and for checkpoints. */
  parameters(): readonly Parameter[] {
    return this.#scaling.parameters();
  }

  #check({ B, K, relations, teacherScores, juniorScores, stride = K }: SeniorBatch): void {
    checkCount("B", B);
    checkCount("K", K);
    checkLength("relations", relations, B, "B");
    checkLength("teacherScores", teacherScores, this.teachers * B * K, "m x B x K");
    checkRows("juniorScores", juniorScores, B, K, stride);
  }

  #normalize({ teacherScores, B, K }: SeniorBatch): Float32Array {
    if (!this.normalization) return teacherScores;
    if (this.#normalized.length < teacherScores.length) this.#normalized = new Float32Array(teacherScores.length);
    const out = this.#normalized.subarray(0, teacherScores.length);
    this.normalization.apply(teacherScores, { teachers: this.teachers, B, K }, out);
    return out;
  }

  #run(batch: SeniorBatch, rest: KernelRest): SeniorLosses {
    const losses = this.#kernels.seniorStep({
      batch: batch.B,
      candidates: batch.K,
      teachers: this.teachers,
      teacherScores: this.#normalize(batch),
      juniorScores: batch.juniorScores,
      ...(batch.stride !== undefined && { stride: batch.stride }),
      scales: this.scales(batch.relations),
      attentionTemperature: this.#attention.temperature(batch.epoch),
      temperature: this.#temperature,
      trainOnSoft: this.#trainOnSoft,
      ...rest,
    });
    if (Number.isFinite(losses.softLoss) && Number.isFinite(losses.seniorLoss)) return losses;
    throw notFinite(batch, losses);
  }
}

/** The trivial integrator: no scaling, every teacher counts 1/m, nothing to train. */
export function uniformAverage(options: {
  readonly teachers: number;
  readonly relations: number;
  readonly kernels: SeniorKernels;
  readonly temperature?: number;
}): Senior {
  return new Senior({ ...options, scaling: noScaling(), attention: uniformAttention() });
}

/** The kernel's arguments that differ between a step and an inspection. */
type KernelRest = Pick<
  SeniorStepArguments,
  "targets" | "softWeight" | "softLogits" | "weights" | "gradJunior" | "gradScales"
>;

/** Looks for the culprit only now that a loss is known to be bad: the scan would cost every step time. */
function notFinite(batch: SeniorBatch, losses: SeniorLosses): MuldeError {
  const { B, K, juniorScores, teacherScores, stride = K } = batch;
  const reason = (who: string, value: number, query: number, candidate: number): string =>
    `${who} gave ${String(value)} for query ${String(query)}, candidate ${String(candidate)} (all counted from 0); scores must be finite.`;
  for (let b = 0; b < B; b++) {
    const row = juniorScores.subarray(b * stride, b * stride + K);
    const k = firstNonFinite(row);
    if (k !== -1) return new MuldeError("SENIOR_NOT_FINITE", reason("The Junior", row[k]!, b, k), { value: row[k] });
  }
  const at = firstNonFinite(teacherScores);
  if (at === -1) {
    return new MuldeError(
      "SENIOR_NOT_FINITE",
      `L_soft is ${String(losses.softLoss)} and L_senior ${String(losses.seniorLoss)} although all scores are finite; the scores or the scales are too large.`,
    );
  }
  const who = `Teacher ${String(Math.floor(at / (B * K)))}`;
  return new MuldeError(
    "SENIOR_TEACHER_NOT_FINITE",
    reason(who, teacherScores[at]!, Math.floor((at % (B * K)) / K), at % K),
    { value: teacherScores[at] },
  );
}
