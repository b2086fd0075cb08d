import type { AnswerIndex } from "@mulde/datasets";
import { type Kernels, Random } from "@mulde/kernels";
import { type Batch, seedOf } from "./data.js";
import { WrongAnswers } from "./wrong-answers.js";
import type { RunOptions } from "./options.js";

// Random streams of a run (see `seedOf`).
const negativesStream = -1;
const redrawStream = -9;

/**
 * Draws each query's candidates: the true answer, and n random entities behind it. With `headNegative` the first of these gives way to the
 * query's head, with `neighbourNegative` the next to one of the head's neighbours.
 */
export class NegativeSampler {
  readonly #kernels: Kernels;
  readonly #entities: number;
  readonly #options: NegativeOptions;
  readonly #answers: AnswerIndex | undefined;
  readonly #wrong: WrongAnswers | undefined;
  readonly #candidates: Int32Array;
  readonly #known: Uint8Array;
  readonly #seed: number;

  /** @param answers - the training split's, for `filterNegatives`, `headNegative` and `neighbourNegative` */
  constructor(kernels: Kernels, entities: number, options: NegativeOptions, answers: () => AnswerIndex) {
    this.#kernels = kernels;
    this.#entities = entities;
    this.#options = options;
    this.#answers = options.filterNegatives ? answers() : undefined;
    this.#wrong = WrongAnswers.of(options, answers);
    this.#candidates = kernels.engine.int32(options.batchSize * (1 + options.negatives));
    this.#known = new Uint8Array(options.filterNegatives ? entities : 0);
    this.#seed = seedOf(options.seed, negativesStream);
  }

  /** B x (1 + n) entity ids, valid until the next call. */
  draw(batch: Batch): Int32Array {
    const { batchSize, negatives, shareNegatives } = this.#options;
    const size = batch.heads.length;
    const K = 1 + negatives;
    const out = this.#candidates.subarray(0, size * K);
    const counter = batch.step * batchSize * negatives;
    const draw = { negatives, entities: this.#entities, seed: this.#seed, counter };
    this.#kernels.sampleCandidates({ ...draw, batch: shareNegatives ? 1 : size }, batch.tails, out);
    if (shareNegatives) {
      for (let b = 1; b < size; b++) {
        out.copyWithin(b * K, 0, K);
        out[b * K] = batch.tails[b]!;
      }
    }
    this.#wrong?.intoCandidates(batch, K, out);
    if (this.#answers) this.#redrawKnown(this.#answers, batch, out, K);
    return out;
  }

  dispose(): void {
    this.#kernels.engine.free(this.#candidates);
  }

  #redrawKnown(answers: AnswerIndex, { heads, relations, step }: Batch, out: Int32Array, K: number): void {
    const known = this.#known;
    const random = new Random(seedOf(this.#options.seed, redrawStream * (step + 1)));
    for (let b = 0; b < heads.length; b++) {
      const own = answers.answers(heads[b]!, relations[b]!);
      // Where every entity is an answer, there is no negative to be had.
      if (own.length >= this.#entities) continue;
      for (const id of own) known[id] = 1;
      for (let i = b * K + 1; i < (b + 1) * K; i++) {
        while (known[out[i]!]) out[i] = Math.floor(random.uniform() * this.#entities);
      }
      for (const id of own) known[id] = 0;
    }
  }
}

type NegativeOptions = Pick<
  RunOptions,
  "seed" | "batchSize" | "negatives" | "filterNegatives" | "shareNegatives" | "headNegative" | "neighbourNegative"
>;
