import { tripleList } from "@mulde/datasets";
import { evaluate } from "@mulde/eval";
import { Random } from "@mulde/kernels";
import { type KgeModel, modelScorer } from "@mulde/kge-models";
import { type PreparedData, seedOf } from "./data.js";
import type { ValidationMetrics } from "./events.js";
import type { RunOptions } from "./options.js";

// Random streams of a run (see `seedOf`), apart from those of the training batches.
const sampleStream = -3;
const negativesStream = -4;
// Negatives of the validation loss: enough for a steady figure.
const lossNegatives = 255;

/** What validations of a run share: the triples to rank, and fixed negatives for the loss. */
export class Validation {
  readonly #data: PreparedData;
  readonly #triples: PreparedData["valid"];
  readonly #seed: number;

  constructor(data: PreparedData, options: Pick<RunOptions, "seed" | "validationTriples">) {
    this.#data = data;
    this.#seed = seedOf(options.seed, negativesStream);
    const { valid } = data;
    const order = Int32Array.from({ length: valid.length }, (_, i) => i);
    const size = Math.min(options.validationTriples || valid.length, valid.length);
    if (size < valid.length) new Random(seedOf(options.seed, sampleStream)).shuffle(order);
    const pick = (column: Int32Array): Int32Array => order.subarray(0, size).map((i) => column[i]!);
    this.#triples = tripleList(pick(valid.heads), pick(valid.relations), pick(valid.tails));
  }

  /** Filtered ranking of the validation triples in both directions. */
  async metrics(model: KgeModel): Promise<ValidationMetrics> {
    const { mrr, mr, hits } = await evaluate(modelScorer(model), {
      triples: this.#triples,
      numRelations: this.#data.relations,
      known: this.#data.known,
    });
    return { mrr, mr, hits };
  }

  /** Mean binary cross-entropy of the validation triples against the same random entities each time, tail queries. */
  loss(model: KgeModel): number {
    const { kernels, entities } = model;
    const { heads, relations, tails, length: batch } = this.#triples;
    const K = 1 + lossNegatives;
    const ids = kernels.engine.int32(batch * K);
    const scores = kernels.engine.float32(batch * K);
    try {
      const draw = { batch, negatives: lossNegatives, entities, seed: this.#seed, counter: 0 };
      kernels.sampleCandidates(draw, tails, ids);
      model.inference.score(heads, relations, ids, scores);
      const weight = 1 / (batch * K);
      const weights = { positiveWeight: weight, negativeWeight: weight, adversarial: 0 };
      return kernels.bce(batch, K, scores, weights, scores);
    } finally {
      kernels.engine.free(ids, scores);
    }
  }
}
