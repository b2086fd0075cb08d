import { tripleList } from "@mulde/datasets";
import { evaluate } from "@mulde/eval";
import { Random } from "@mulde/kernels";
import { type KgeModel, modelScorer } from "@mulde/kge-models";
import type { PreparedData } from "../facts/data.js";
import type { ValidationMetrics } from "./events.js";
import type { RunOptions } from "./options.js";
import { streamSeed } from "./streams.js";

// Negatives of the validation loss: enough for a steady figure.
const lossNegatives = 255;
// Triples that are scored at once for the loss, which bounds its memory.
const lossBlock = 1024;

/** What validations of a run share: the triples to rank, and fixed negatives for the loss. */
export class Validation {
  readonly #data: PreparedData;
  readonly #triples: PreparedData["valid"];
  readonly #seed: number;

  constructor(data: PreparedData, options: Pick<RunOptions, "seed" | "validation">) {
    this.#data = data;
    this.#seed = streamSeed(options.seed, "validationNegatives");
    const { valid } = data;
    const order = Int32Array.from({ length: valid.length }, (_, i) => i);
    const size = Math.min(options.validation.triples || valid.length, valid.length);
    if (size < valid.length) new Random(streamSeed(options.seed, "validationSample")).shuffle(order);
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
    const { heads, relations, tails, length } = this.#triples;
    const K = 1 + lossNegatives;
    const size = Math.min(length, lossBlock) * K;
    let ids: Int32Array = new Int32Array();
    let scores: Float32Array = new Float32Array();
    const weight = 1 / (length * K);
    const weights = { positiveWeight: weight, negativeWeight: weight, adversarial: 0 };
    let loss = 0;
    try {
      ids = kernels.engine.int32(size);
      scores = kernels.engine.float32(size);
      for (let begin = 0; begin < length; begin += lossBlock) {
        const end = Math.min(begin + lossBlock, length);
        const batch = end - begin;
        const [own, ownScores] = [ids.subarray(0, batch * K), scores.subarray(0, batch * K)];
        const draw = { batch, negatives: lossNegatives, entities, seed: this.#seed, counter: begin * lossNegatives };
        kernels.sampleCandidates(draw, tails.subarray(begin, end), own);
        model.inference.score(heads.subarray(begin, end), relations.subarray(begin, end), own, ownScores);
        loss += kernels.bce(batch, K, ownScores, weights, ownScores);
      }
      return loss;
    } finally {
      kernels.engine.free(ids, scores);
    }
  }
}
