import type { Kernels, Labels } from "@mulde/kernels";
import { AllPass, CandidatePass, type KgeModel, type ModelGradients, type QueryLayer } from "@mulde/kge-models";
import { type Batch, joined, type KnownTails, unknownTails } from "./data.js";
import { DoubleNegatives } from "./double-negatives.js";
import { overAllEntities } from "./losses.js";
import { marginLoss } from "./margin.js";
import { NegativeSampler } from "./negatives.js";
import type { Objective, StepResult } from "./objective.js";
import { checkOptions } from "./option-rules.js";
import type { RunOptions } from "./options.js";
import { trainingLayer } from "./query-layers.js";
import { Regularizer } from "./regularizer.js";

/** The hard-label loss over candidates B x (1 + n) with the true answer first: writes dL/ds, returns the loss. */
export function hardLoss(
  kernels: Kernels,
  options: Pick<RunOptions, "loss" | "adversarial" | "margin">,
  batch: number,
  K: number,
  scores: Float32Array,
  gradient: Float32Array,
): number {
  if (options.loss === "crossEntropy") return kernels.crossEntropy(batch, K, scores, 1 / batch, gradient);
  if (options.loss === "margin") return marginLoss(batch, K, scores, options, gradient);
  // Equal weights: the mean over B (1 + n), as in the paper. Self-adversarial: the negatives' weights sum to 1, and positive and
  // negatives count one half each (Sun et al. 2019).
  const weight = options.adversarial > 0 ? 1 / (2 * batch) : 1 / (batch * K);
  const weights = { positiveWeight: weight, negativeWeight: weight, adversarial: options.adversarial };
  return kernels.bce(batch, K, scores, weights, gradient);
}

/**
 * Learning from the facts alone, by sampled negatives or over all entities.
 *
 * @param known - what `prepareData` makes; losses of all known answers, `filterNegatives`, `headNegative` and `neighbourNegative` need it
 * @throws MuldeError TRAINER_OPTION for options that do not go together or not with the model
 */
export function factsObjective(model: KgeModel, options: RunOptions, known = unknownTails): Objective {
  checkOptions(options, model.config);
  const layer = trainingLayer(model, options);
  const regularizer = new Regularizer(model, options);
  const pass = overAllEntities(options)
    ? new AllEntities(model, options, known, layer)
    : new SampledCandidates(model, options, known, layer);
  return {
    extra: [],
    step(batch: Batch): Promise<StepResult> {
      layer?.begin(batch.step, batch.heads.length);
      const { loss, gradients } = pass.step(batch);
      const total = loss + regularizer.add(batch, gradients) + (layer?.loss ?? 0);
      return Promise.resolve({ loss: { total, hard: total }, gradients });
    },
    dispose: () => pass.dispose(),
  };
}

/** The hard-label loss over all entities: of the one answer of each query, or of all that are known. */
export class AllEntities {
  readonly #pass: AllPass;
  readonly #options: Pick<RunOptions, "loss" | "labelSmoothing">;
  readonly #known: KnownTails;

  constructor(
    model: KgeModel,
    options: Pick<RunOptions, "loss" | "labelSmoothing" | "batchSize">,
    known: KnownTails,
    layer?: QueryLayer,
  ) {
    this.#pass = new AllPass(model, options.batchSize, layer);
    this.#options = options;
    this.#known = known;
  }

  step(batch: Batch): { loss: number; gradients: ModelGradients } {
    const { loss, labelSmoothing: smoothing } = this.#options;
    const kind = loss === "KvsAll" ? "logistic" : "softmax";
    return this.#pass.loss(batch.heads, batch.relations, this.#labels(batch), { kind, smoothing });
  }

  dispose(): void {
    this.#pass.dispose();
  }

  #labels({ heads, relations, tails }: Batch): Labels {
    if (this.#options.loss === "1vsAll") {
      return { offsets: Int32Array.from({ length: tails.length + 1 }, (_, b) => b), ids: tails };
    }
    const answers = this.#known.answers();
    const offsets = new Int32Array(heads.length + 1);
    const lists = Array.from(heads, (h, b) => answers.answers(h, relations[b]!));
    lists.forEach(({ length }, b) => (offsets[b + 1] = offsets[b]! + length));
    const ids = new Int32Array(offsets.at(-1)!);
    lists.forEach((list, b) => ids.set(list, offsets[b]));
    return { offsets, ids };
  }
}

/** The hard-label loss over the true answer and sampled negatives. */
class SampledCandidates {
  readonly #kernels: Kernels;
  readonly #pass: CandidatePass;
  readonly #options: RunOptions;
  readonly #sampler: NegativeSampler;
  readonly #double: DoubleNegatives;
  readonly #ids: Int32Array;
  readonly #gradient: Float32Array;

  constructor(model: KgeModel, options: RunOptions, known: KnownTails, layer?: QueryLayer) {
    const { kernels, entities } = model;
    const K = 1 + options.negatives;
    this.#kernels = kernels;
    this.#options = options;
    this.#sampler = new NegativeSampler(kernels, entities, options, () => known.answers());
    this.#double = new DoubleNegatives(kernels, entities, options, K);
    const rows = options.batchSize + this.#double.rows(options.batchSize);
    this.#pass = new CandidatePass(model, rows, K, layer);
    this.#ids = kernels.engine.int32(rows * K);
    this.#gradient = kernels.engine.float32(rows * K);
  }

  step(batch: Batch): { loss: number; gradients: ModelGradients } {
    const size = batch.heads.length;
    const K = 1 + this.#options.negatives;
    const own = size * K;
    const double = this.#double.draw(batch);
    this.#ids.set(this.#sampler.draw(batch));
    this.#ids.set(double.candidates, own);
    const { heads, relations } = joined(batch, double);
    const scores = this.#pass.forward(heads, relations, this.#ids.subarray(0, own + double.candidates.length));
    const loss =
      hardLoss(this.#kernels, this.#options, size, K, scores, this.#gradient) +
      this.#double.loss(size, scores.subarray(own), this.#gradient.subarray(own));
    return { loss, gradients: this.#pass.backward(this.#gradient) };
  }

  dispose(): void {
    this.#pass.dispose();
    this.#sampler.dispose();
    this.#double.dispose();
    this.#kernels.engine.free(this.#ids, this.#gradient);
  }
}
