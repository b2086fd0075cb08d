/** Shapes: B queries, K candidates for each, m teachers, all row-major. */
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
  /** Values from row to row of `juniorScores` and of `gradJunior`, at least K; K unless given. */
  readonly stride?: number;
  /** g_i, B x m: s'_i = g_i s_i. */
  readonly scales: Float32Array;
  /** tau > 0; Infinity gives every teacher the weight 1/m. */
  readonly attentionTemperature: number;
  /** B: the position of the true tail among the K candidates, or -1 where it is not among them. */
  readonly targets: Int32Array;
  /** T > 0, of the soft label. */
  readonly temperature: number;
  /** lambda >= 0, the weight of L_soft. */
  readonly softWeight: number;
  /** Whether `gradScales` includes lambda * L_soft. */
  readonly trainOnSoft: boolean;
  /** Out, B x K: s_soft. */
  readonly softLogits: Float32Array | null;
  /** Out, B x m: the attention weights a. */
  readonly weights: Float32Array | null;
  /** Out, B x K, a row every `stride` values: d(lambda * L_soft) / d s_J. What lies between the rows is left alone. */
  readonly gradJunior: Float32Array;
  /** Out, B x m: d(L_senior [+ lambda * L_soft]) / d g. */
  readonly gradScales: Float32Array;
}

/** The two losses of one step, neither multiplied by a weight. */
export interface SeniorLosses {
  /** L_soft = T^2 * mean over B of KL(softmax(s_soft / T) || softmax(s_J / T)). */
  readonly softLoss: number;
  /** L_senior = mean over B x K of BCE-with-logits(s_soft, one-hot of the target, or all zero where it is -1). */
  readonly seniorLoss: number;
}

/**
 * The one kernel a Senior runs on. `Kernels` of `@mulde/kernels` is such an object (the fused form), and
 * `{ seniorStep: seniorStepReference }` is another (the readable form in TensorFlow.js ops).
 */
export interface SeniorKernels {
  seniorStep(step: SeniorStepArguments): SeniorLosses;
}
