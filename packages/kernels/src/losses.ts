import { checkParts, need } from "./_fault.js";
import { EntityKernels } from "./entities.js";

/** The arguments of `seniorStep`, for B queries, K candidates and m teachers. */
export interface SeniorStep {
  readonly batch: number;
  readonly candidates: number;
  readonly teachers: number;
  /** the distance between rows of `juniorScores` and `gradJunior`, which may be blocks of wider matrices; K by default */
  readonly stride?: number;
  /** m x B x K */
  readonly teacherScores: Float32Array;
  /** B x K, rows `stride` apart */
  readonly juniorScores: Float32Array;
  /** B x m */
  readonly scales: Float32Array;
  /** tau of the contrast attention; Infinity weighs all teachers equally */
  readonly attentionTemperature: number;
  /** B: the true tail's position among the candidates, or -1 */
  readonly targets: Int32Array;
  readonly temperature: number;
  /** lambda, the weight of the soft-label loss in the gradients */
  readonly softWeight: number;
  /** whether the soft-label loss trains the scales too */
  readonly trainOnSoft: boolean;
  /** B x K, written, or null */
  readonly softLogits: Float32Array | null;
  /** B x m, written: the attention weights, or null */
  readonly weights: Float32Array | null;
  /** B x K, rows `stride` apart, written */
  readonly gradJunior: Float32Array;
  /** B x m, written */
  readonly gradScales: Float32Array;
}

/** The losses over candidate scores, with their gradients. */
export class LossKernels extends EntityKernels {
  readonly #losses = new Float64Array(2);

  /**
   * Binary cross-entropy over B x K scores, with the positive in column 0: the sum over b of
   * positiveWeight softplus(-s_0) + negativeWeight sum over k > 0 of a_k softplus(s_k). a_k is 1, or for `adversarial` = alpha > 0 the
   * self-adversarial weight softmax(alpha s)_k over the negatives (Sun et al. 2019). Writes the gradient (B x K) and returns the loss.
   *
   * @param stride - the distance between rows of scores and gradient, K by default; values between rows do not change
   */
  bce(
    batch: number,
    K: number,
    scores: Float32Array,
    options: { readonly positiveWeight: number; readonly negativeWeight: number; readonly adversarial: number },
    gradient: Float32Array,
    stride = K,
  ): number {
    checkParts("bce", { options });
    const { positiveWeight, negativeWeight, adversarial } = options;
    return this.sumOf("bce", [batch, K, stride, scores, positiveWeight, negativeWeight, adversarial, gradient]);
  }

  /** Softmax cross-entropy over B x K scores: weight times the sum over b of -log softmax(s)_0. Returns the loss. `stride` is as in `bce`. */
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

  /** weight T^2 times the sum over b of KL(softmax(targets / T) || softmax(scores / T)). Writes the gradient by the scores and returns the loss. */
  kl(
    batch: number,
    K: number,
    targets: Float32Array,
    scores: Float32Array,
    options: { readonly temperature: number; readonly weight: number },
    gradient: Float32Array,
  ): number {
    checkParts("kl", { options });
    return this.sumOf("kl", [batch, K, targets, scores, options.temperature, options.weight, gradient]);
  }

  /** One step of the Senior (Wang et al. 2021): soft labels, both losses (means, without lambda) and gradients. */
  seniorStep(step: SeniorStep): { readonly softLoss: number; readonly seniorLoss: number } {
    checkParts("seniorStep", { step });
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
