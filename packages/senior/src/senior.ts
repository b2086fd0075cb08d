// The Senior of MulDE: Wang, Liu, Ma, Sheng, "MulDE: Multi-teacher Knowledge Distillation for Low-dimensional Knowledge
// Graph Embeddings", WWW 2021 (arXiv 2010.07152), section 4.2. Attention weights are detached; the released code does not detach them.
import { MuldeError } from "@mulde/errors";
import { checkCount, checkIds, checkLength, checkRows, firstNonFinite } from "./_check.js";
import { contrastAttention, uniformAttention, type Attention } from "./attention.js";
import { largestScore, type SeniorKernels, type SeniorLosses, type SeniorStepArguments } from "./kernel.js";
import type { Normalization } from "./normalization.js";
import { parameterTables, type Parameter, type ParameterTable } from "./parameter.js";
import { noScaling, relationScaling, type Scaling } from "./scaling.js";

export interface SeniorOptions {
  /** m. */
  readonly teachers: number;
  /** 2R: relations with their reciprocals. */
  readonly relations: number;
  /** What the Senior computes with: `await createKernels()`, or `{ seniorStep: seniorStepReference }`. */
  readonly kernels: SeniorKernels;
  /** Normalizes the teachers' scores before the scaling. Default none, as in the paper. */
  readonly normalization?: Normalization;
  /** Default `relationScaling({ relations, teachers })`. */
  readonly scaling?: Scaling;
  /** Default `contrastAttention()` with the paper's schedule. */
  readonly attention?: Attention;
  /** T of the soft label. Default 1, as in the paper. */
  readonly temperature?: number;
  /** Whether lambda * L_soft trains the scaling beside L_senior. Default true, as in the released code. */
  readonly trainOnSoftLabels?: boolean;
}

/** B queries with K candidates each, scored by the teachers and by the Junior. */
export interface SeniorBatch {
  /** The epoch t, counted from 0. */
  readonly epoch: number;
  /** B relation ids, 0..2R-1. */
  readonly relations: Int32Array;
  /** m x B x K, as `collectScores` writes them. */
  readonly teacherScores: Float32Array;
  /** s_J, B x K: the Junior's scores of the same candidates, a row every `stride` values. */
  readonly juniorScores: Float32Array;
  /**
   * The distance between rows of `juniorScores` and of `gradJunior`, in values; at least K. Default K. To use a block of columns of a larger
   * matrix without copying, pass `matrix.subarray(firstColumn)` and the matrix's row length.
   */
  readonly stride?: number;
  readonly B: number;
  readonly K: number;
}

/** A batch with what training needs beside the scores. */
export interface SeniorStep extends SeniorBatch {
  /** B: the position of the true tail among the query's K candidates, -1 if it is not there. */
  readonly targets: Int32Array;
  /** lambda, the weight of L_soft in the total loss; paper: .5 on FB15k-237, .01 on WN18RR. */
  readonly softWeight: number;
  /** Whether to write the parameters' gradients. Default true; false for queries without a known answer, which teach the scaling nothing. */
  readonly learns?: boolean;
  /** Out, B x K, a row every `stride` values: d(lambda * L_soft) / d s_J. Values between the rows stay as they are. */
  readonly gradJunior: Float32Array;
  /** Out, B x m: the attention weights a. Leave it out if you do not need them. */
  readonly weights?: Float32Array;
}

/** The Senior's answer to a batch. */
export interface SoftLogits {
  /** s_soft = sum_i a_i s'_i, B x K. The soft label is softmax(s_soft / T). */
  readonly softLogits: Float32Array;
  /** a, B x m; every row sums to 1. */
  readonly weights: Float32Array;
}

/** Turns many teachers' scores into one soft label, and learns from it. `Senior` is one; you may write another. */
export interface Integrator {
  readonly teachers: number;
  readonly normalization?: Normalization | undefined;
  step(step: SeniorStep): SeniorLosses;
  softLogits(batch: SeniorBatch): SoftLogits;
  scales(relations: Int32Array): Float32Array;
  parameters(): readonly Parameter[];
}

/** The Senior, composed of a normalization, a scaling and an attention. It gives soft logits, the two losses and their gradients. */
export class Senior implements Integrator {
  /** m. */
  readonly teachers: number;
  /** 2R. */
  readonly relations: number;
  /** Applied to the teachers' scores before the scaling; undefined if nothing is. */
  readonly normalization: Normalization | undefined;
  readonly #kernels: SeniorKernels;
  readonly #scaling: Scaling;
  readonly #attention: Attention;
  readonly #temperature: number;
  readonly #trainOnSoft: boolean;
  #normalized = new Float32Array();

  /**
   * @throws MuldeError SENIOR_SHAPE for counts below 1, SENIOR_TEMPERATURE unless the temperature is a finite number above 0,
   *   SENIOR_PARAMETER if the scaling's parameters share a name or have shapes that do not hold their values
   */
  constructor(options: SeniorOptions) {
    checkCount("teachers", options.teachers);
    checkCount("relations", options.relations);
    const temperature = options.temperature ?? 1;
    if (!(temperature > 0 && temperature < Infinity)) {
      throw new MuldeError(
        "SENIOR_TEMPERATURE",
        `temperature must be a finite number above 0, but is ${String(temperature)}.`,
        { value: temperature },
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
    // A wrong parameter is reported here, before a run has started.
    this.parameters();
  }

  /**
   * One training step. Returns both losses, writes the Junior's gradient into `gradJunior`, and overwrites the parameters' gradients
   * with that of L_senior [+ lambda * L_soft].
   *
   * @throws MuldeError SENIOR_SHAPE, SENIOR_ID, SENIOR_EPOCH, SENIOR_SOFT_WEIGHT or SENIOR_TEMPERATURE for bad input;
   *   SENIOR_TEACHER_NOT_FINITE if a teacher's score is NaN or infinite, SENIOR_TEACHER_TOO_LARGE if it is so large that nothing is left of
   *   other teachers beside it, both with a `SeniorScore` as `value`; SENIOR_NOT_FINITE if the Junior's score is not finite (`value`: the same
   *   without `teacher`), or a loss or gradient although all scores are. The parameters' gradients then stay as they were.
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
        { value: step.softWeight },
      );
    }
    const { targets, softWeight, gradJunior, weights = null } = step;
    if (weights) checkLength("weights", weights, step.B * this.teachers, "B x m");
    const gradScales = new Float32Array(step.B * this.teachers);
    const losses = this.#run(step, { targets, softWeight, gradJunior, gradScales, softLogits: null, weights });
    if (step.learns ?? true) {
      this.#scaling.zeroGradients();
      this.#scaling.backward(step.relations, gradScales);
    }
    return losses;
  }

  /** The soft logits and attention weights of a batch, to evaluate or inspect. It trains nothing, and throws as `step` does. */
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

  /**
   * The scaling's parameters with their shapes, for the optimizer and for checkpoints.
   *
   * @throws MuldeError SENIOR_PARAMETER as the constructor does
   */
  parameters(): readonly ParameterTable[] {
    return parameterTables(this.#scaling.parameters());
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
    const teacherScores = this.#normalize(batch);
    const losses = this.#kernels.seniorStep({
      batch: batch.B,
      candidates: batch.K,
      teachers: this.teachers,
      teacherScores,
      juniorScores: batch.juniorScores,
      ...(batch.stride !== undefined && { stride: batch.stride }),
      scales: this.scales(batch.relations),
      attentionTemperature: this.#attention.temperature(batch.epoch),
      temperature: this.#temperature,
      trainOnSoft: this.#trainOnSoft,
      ...rest,
    });
    const sound = Number.isFinite(losses.softLoss) && Number.isFinite(losses.seniorLoss);
    if (sound && firstNonFinite(rest.gradScales) === -1) return losses;
    throw notFinite(batch, teacherScores, losses);
  }
}

/** The plain average of the teachers: no scaling, weights of 1/m, nothing to train. */
export function uniformAverage(options: {
  readonly teachers: number;
  readonly relations: number;
  readonly kernels: SeniorKernels;
  readonly temperature?: number;
}): Senior {
  return new Senior({ ...options, scaling: noScaling(), attention: uniformAttention() });
}

/** The kernel's arguments that differ between `step` and `softLogits`. */
type KernelRest = Pick<
  SeniorStepArguments,
  "targets" | "softWeight" | "softLogits" | "weights" | "gradJunior" | "gradScales"
>;

/** A score that the Senior cannot use: the `value` of SENIOR_TEACHER_NOT_FINITE and SENIOR_TEACHER_TOO_LARGE. Positions count from 0. */
export interface SeniorScore {
  readonly teacher: number;
  readonly query: number;
  readonly candidate: number;
  /** as the teacher gave it */
  readonly score: number;
}

/**
 * Names the score at fault. It is called only after a loss turned out bad, because the scan would slow down every step.
 *
 * @param normalized - the teachers' scores as the kernel got them
 */
function notFinite(batch: SeniorBatch, normalized: Float32Array, losses: SeniorLosses): MuldeError {
  const { B, K, juniorScores, teacherScores, stride = K } = batch;
  const place = (query: number, candidate: number): string =>
    `query ${String(query)}, candidate ${String(candidate)} (all counted from 0)`;
  const scoreAt = (at: number): SeniorScore => ({
    teacher: Math.floor(at / (B * K)),
    query: Math.floor((at % (B * K)) / K),
    candidate: at % K,
    score: teacherScores[at]!,
  });
  const bad = firstNonFinite(teacherScores);
  if (bad !== -1) {
    const value = scoreAt(bad);
    const { teacher, query, candidate, score } = value;
    const reason = `Teacher ${String(teacher)} gave ${String(score)} for ${place(query, candidate)}; scores must be finite.`;
    return new MuldeError("SENIOR_TEACHER_NOT_FINITE", reason, { value });
  }
  for (let b = 0; b < B; b++) {
    const row = juniorScores.subarray(b * stride, b * stride + K);
    const k = firstNonFinite(row);
    if (k === -1) continue;
    const reason = `The Junior gave ${String(row[k])} for ${place(b, k)}; scores must be finite.`;
    return new MuldeError("SENIOR_NOT_FINITE", reason, { value: { query: b, candidate: k, score: row[k]! } });
  }
  const most = largest(normalized);
  if (!(Math.abs(normalized[most]!) <= largestScore / Math.sqrt(normalized.length))) {
    const value = scoreAt(most);
    const { teacher, query, candidate, score } = value;
    return new MuldeError(
      "SENIOR_TEACHER_TOO_LARGE",
      `Teacher ${String(teacher)} gave ${String(score)} for ${place(query, candidate)}; ${tooLarge}`,
      { value },
    );
  }
  return new MuldeError(
    "SENIOR_NOT_FINITE",
    `L_soft is ${String(losses.softLoss)} and L_senior ${String(losses.seniorLoss)}, or a gradient is not finite, although all scores are; the Junior's scores or the scales are too large.`,
  );
}

/** What to do about a score that is too large. */
const tooLarge =
  "beside scores this large nothing is left of the other teachers: normalize them (zScore or ranks), or divide this teacher's by a temperature.";

/** The position of the largest absolute value; a NaN counts as larger than any. */
function largest(values: Float32Array): number {
  let most = 0;
  for (let at = 1; at < values.length; at++) if (!(Math.abs(values[at]!) <= Math.abs(values[most]!))) most = at;
  return most;
}
