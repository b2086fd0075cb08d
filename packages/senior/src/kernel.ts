/**
 * The most that the scores of all teachers for one query may come to, as the root of the sum of their squares, after normalization. In float32,
 * scores of 1e12 leave nothing of others that they are averaged with, and the gradients by the scales overflow not far above.
 */
export const largestScore = 1e12;

/** One step of the Senior for B queries, K candidates each, and m teachers. Arrays are row-major. */
export interface SeniorStepArguments {
  /** B. */
  readonly batch: number;
  /** K. */
  readonly candidates: number;
  /** m. */
  readonly teachers: number;
  /** s_i, m x B x K: the teachers' raw scores. */
  readonly teacherScores: Float32Array;
  /** s_J, B x K, a row every `stride` values. */
  readonly juniorScores: Float32Array;
  /** The distance between rows of `juniorScores` and of `gradJunior`, in values; at least K. Default K. */
  readonly stride?: number;
  /** g_i, B x m: s'_i = g_i s_i. */
  readonly scales: Float32Array;
  /** tau > 0; with Infinity every teacher weighs 1/m. */
  readonly attentionTemperature: number;
  /** B: the position of the true tail among the query's K candidates, -1 if it is not there. */
  readonly targets: Int32Array;
  /** T > 0, the temperature of the soft label. */
  readonly temperature: number;
  /** lambda >= 0, the weight of L_soft. */
  readonly softWeight: number;
  /** Whether `gradScales` includes lambda * L_soft. */
  readonly trainOnSoft: boolean;
  /** Out, B x K: s_soft; null if not wanted. */
  readonly softLogits: Float32Array | null;
  /** Out, B x m: the attention weights a; null if not wanted. */
  readonly weights: Float32Array | null;
  /** Out, B x K, a row every `stride` values: d(lambda * L_soft) / d s_J. Values between the rows stay as they are. */
  readonly gradJunior: Float32Array;
  /** Out, B x m: d(L_senior [+ lambda * L_soft]) / d g. */
  readonly gradScales: Float32Array;
}

/**
 * The two losses of a step, not yet multiplied by a weight. `softLoss` is NaN if a teacher's score is not finite, or if the squares of a
 * query's scores add up to more than 1e24: the Senior then finds out whose they are.
 */
export interface SeniorLosses {
  /** L_soft = T^2 * mean over B of KL(softmax(s_soft / T) || softmax(s_J / T)). */
  readonly softLoss: number;
  /** L_senior = mean over B x K of BCE-with-logits(s_soft, y): y is one-hot at the target, all zero if the target is -1. */
  readonly seniorLoss: number;
}

/**
 * What a Senior computes with: anything with this function. `await createKernels()` of `@mulde/kernels` is one, where the step is one fused
 * kernel; `{ seniorStep: seniorStepReference }` of `@mulde/senior/reference` is another, the readable form in TensorFlow.js ops.
 */
export interface SeniorKernels {
  seniorStep(step: SeniorStepArguments): SeniorLosses;
}
