import { confidenceWeights, type LabelWeights, type Senior, seniorTeacher, type Teacher } from "@mulde/senior";
import type { Batch, ScoredBlock } from "../step/block.js";
import type { Label, StepControl } from "../step/parts.js";

/**
 * DualDE's weights of the two labels of each query (Zhu et al., WSDM 2022). They average 1, so that lambda keeps its meaning: the soft label
 * counts 2 p, the hard one 2 (1 - p).
 */
export class Confidence {
  readonly #alpha: number;
  readonly #merged: Teacher;
  #last: { readonly batch: Batch; readonly weights: LabelWeights } | undefined;

  /** @param alpha - how steeply p rises with the teachers' score of the true answer */
  constructor(teachers: readonly Teacher[], senior: Senior, alpha: number) {
    this.#alpha = alpha;
    // Without the Senior's normalization, which sees nothing in a single candidate.
    const scales = (rows: Int32Array): Float32Array => senior.scales(rows);
    this.#merged = seniorTeacher({ teachers: teachers.length, scales }, teachers);
  }

  /** A label whose gradient is weighted by its side's weights. */
  weighted(label: Label, side: keyof LabelWeights): Label {
    let weights: Float32Array = new Float32Array();
    return {
      name: label.name,
      prepare: async (block, control) => {
        await label.prepare?.(block, control);
        weights = (await this.#weights(block.queries, control))[side];
      },
      learn: (block) => {
        const loss = label.learn(block);
        scaleRows(block, weights);
        return loss;
      },
      dispose: () => label.dispose?.(),
    };
  }

  async #weights(batch: Batch, control?: StepControl): Promise<LabelWeights> {
    if (this.#last?.batch === batch) return this.#last.weights;
    const { heads, relations, tails } = batch;
    const B = heads.length;
    const scores = new Float32Array(B);
    await this.#merged.score(heads, relations, tails, scores, control);
    const weights = { soft: new Float32Array(B), hard: new Float32Array(B) };
    confidenceWeights(scores, { alpha: this.#alpha, beta: 0 }, weights);
    for (const side of [weights.soft, weights.hard]) for (let b = 0; b < B; b++) side[b]! *= 2;
    this.#last = { batch, weights };
    return weights;
  }
}

function scaleRows({ K, stride, gradient }: ScoredBlock, weights: Float32Array): void {
  for (let b = 0; b < weights.length; b++) {
    for (let i = b * stride; i < b * stride + K; i++) gradient[i]! *= weights[b]!;
  }
}
