import { need } from "./_fault.js";
import { EntityKernels } from "./entities.js";

/** One step of the Senior; shapes in B queries, K candidates, m teachers. */
export interface SeniorStep {
  readonly batch: number;
  readonly candidates: number;
  readonly teachers: number;
  /** values from one row of `juniorScores` and `gradJunior` to the next, at least K, the default: both may be blocks of wider matrices */
  readonly stride?: number;
  /** m x B x K */
  readonly teacherScores: Float32Array;
  /** B x K, rows `stride` apart */
  readonly juniorScores: Float32Array;
  /** B x m */
  readonly scales: Float32Array;
  /** tau of the contrast attention; Infinity gives every teacher the same weight */
  readonly attentionTemperature: number;
  /** B: position of the true tail among the candidates, -1 if it is not there */
  readonly targets: Int32Array;
  readonly temperature: number;
  /** lambda, the weight of the soft-label loss in the gradients */
  readonly softWeight: number;
  /** whether the soft-label loss reaches the scales too */
  readonly trainOnSoft: boolean;
  /** B x K, out, or null */
  readonly softLogits: Float32Array | null;
  /** B x m, out: attention weights, or null */
  readonly weights: Float32Array | null;
  /** B x K, rows `stride` apart, out */
  readonly gradJunior: Float32Array;
  /** B x m, out */
  readonly gradScales: Float32Array;
}

/** Losses over candidate scores, each with its gradient. */
export class LossKernels extends EntityKernels {
  readonly #losses = new Float64Array(2);

  /**
   * Binary cross-entropy with logits over B x K scores, the positive in column 0:
   * sum over b of positiveWeight softplus(-s_0) + negativeWeight sum over k > 0 of a_k softplus(s_k), with a_k = 1, or for
   * `adversarial` alpha > 0 the self-adversarial weights softmax(alpha s) of the negatives (Sun et al. 2019). Returns the loss.
   * Rows of the scores and of the gradient are `stride` values apart; the values between them stay as they are.
   */
  bce(
    batch: number,
    K: number,
    scores: Float32Array,
    options: { readonly positiveWeight: number; readonly negativeWeight: number; readonly adversarial: number },
    gradient: Float32Array,
    stride = K,
  ): number {
    const { positiveWeight, negativeWeight, adversarial } = options;
    return this.sumOf("bce", [batch, K, stride, scores, positiveWeight, negativeWeight, adversarial, gradient]);
  }

  /** Softmax cross-entropy over candidates: weight * sum over b of -log softmax(s)_0. Returns the loss. `stride` as in `bce`. */
  crossEntropy(
    batch: number,
    K: number,
    scores: Float32Array,
    weight: number,
    gradient: Float32Array,
    stride = K,
  ): number {
    return this.sumOf("crossEntropy", [batch, K, stride, scores, weight, gradient]);
  }

  /** weight T^2 sum over b of KL(softmax(targets / T) || softmax(scores / T)); gradient by scores. Returns the loss. */
  kl(
    batch: number,
    K: number,
    targets: Float32Array,
    scores: Float32Array,
    options: { readonly temperature: number; readonly weight: number },
    gradient: Float32Array,
  ): number {
    return this.sumOf("kl", [batch, K, targets, scores, options.temperature, options.weight, gradient]);
  }

  /** Soft labels, losses and gradients of one step of the Senior (Wang et al. 2021). Losses are means, without lambda. */
  seniorStep(step: SeniorStep): { readonly softLoss: number; readonly seniorLoss: number } {
    const { batch, candidates: K, teachers: m, stride = K } = step;
    if (!step.softLogits) need("seniorStep", "juniorScores", step.juniorScores, batch * K);
    if (!step.weights) need("seniorStep", "scales", step.scales, batch * m);
    this.#losses.fill(0);
    this.engine.call("seniorStep", [
      batch,
      K,
      stride,
      m,
      step.teacherScores,
      step.juniorScores,
      step.scales,
      Number.isFinite(step.attentionTemperature) ? step.attentionTemperature : 0,
      step.targets,
      step.temperature,
      step.softWeight,
      step.trainOnSoft ? 1 : 0,
      step.softLogits ?? this.scratch("softLogits", batch * K),
      step.weights ?? this.scratch("teacherWeights", batch * m),
      step.gradJunior,
      step.gradScales,
      this.#losses,
    ]);
    return { softLoss: this.#losses[0]!, seniorLoss: this.#losses[1]! };
  }
}
