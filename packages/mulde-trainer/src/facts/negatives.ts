import type { AnswerIndex } from "@mulde/datasets";
import type { Kernels } from "@mulde/kernels";
import { addHardNegatives } from "../rules/hard-negatives.js";
import type { AnswerRule } from "../rules/rule.js";
import type { RunOptions } from "../run/options.js";
import { streamAt, streamSeed } from "../run/streams.js";
import type { CandidateBlock } from "../step/block.js";
import type { CandidateSource } from "../step/parts.js";

/**
 * Each query's true answer, then n random entities. Rules put their wrong answers in the place of the first ones; with `filter` known answers
 * are redrawn. Queries without a known answer (tail -1) must not ask this source.
 */
export class UniformNegatives implements CandidateSource {
  readonly name = "uniform";
  /** 1 + n */
  readonly K: number;
  readonly #kernels: Kernels;
  readonly #entities: number;
  readonly #options: NegativeOptions;
  readonly #rules: readonly AnswerRule[];
  readonly #answers: AnswerIndex | undefined;
  readonly #known: Uint8Array;
  readonly #seed: number;

  /**
   * @param rules - whose wrong answers are negatives
   * @param answers - the training split's, for `negatives.filter`
   * @param seed - of the draws, the run's own stream unless given
   */
  constructor(
    kernels: Kernels,
    entities: number,
    options: NegativeOptions,
    rules: readonly AnswerRule[],
    answers: () => AnswerIndex,
    seed = streamSeed(options.seed, "negatives"),
  ) {
    const { count, filter } = options.negatives;
    this.K = 1 + count;
    this.#kernels = kernels;
    this.#entities = entities;
    this.#options = options;
    this.#rules = rules;
    this.#answers = filter ? answers() : undefined;
    this.#known = new Uint8Array(filter ? entities : 0);
    this.#seed = seed;
  }

  fill(block: CandidateBlock): void {
    const { queries, stride, candidates } = block;
    const { batchSize, negatives, seed } = this.#options;
    const negativesPerStep = batchSize * negatives.count;
    this.#kernels.sampleCandidates(
      {
        batch: queries.tails.length,
        negatives: negatives.count,
        entities: this.#entities,
        seed: this.#seed,
        counter: queries.step * negativesPerStep,
        stride,
      },
      queries.tails,
      candidates,
    );
    addHardNegatives(this.#rules, { seed, entities: this.#entities }, block);
    if (this.#answers) this.#redrawKnown(this.#answers, block);
  }

  #redrawKnown(answers: AnswerIndex, { queries, K, stride, candidates }: CandidateBlock): void {
    const { heads, relations, step } = queries;
    const known = this.#known;
    const random = streamAt(this.#options.seed, "redraw", step);
    for (let b = 0; b < heads.length; b++) {
      const own = answers.answers(heads[b]!, relations[b]!);
      // Where every entity is an answer, there is no negative to draw.
      if (own.length >= this.#entities) continue;
      for (const id of own) known[id] = 1;
      for (let i = b * stride + 1; i < b * stride + K; i++) {
        while (known[candidates[i]!]) candidates[i] = Math.floor(random.uniform() * this.#entities);
      }
      for (const id of own) known[id] = 0;
    }
  }
}

type NegativeOptions = Pick<RunOptions, "seed" | "batchSize" | "negatives">;
