import { type Kernels, Random } from "@mulde/kernels";
import { type Batch, seedOf } from "./data.js";
import type { RunOptions } from "./options.js";

// A random stream of a run (see `seedOf`).
const stream = -8;

/** Queries whose candidates are all negatives. */
export interface NegativeRows {
  readonly heads: Int32Array;
  readonly relations: Int32Array;
  /** rows x K entity ids, valid until the next call; the first of each row counts for nothing */
  readonly candidates: Int32Array;
}

/**
 * Negatives with both ends random, (h', r, t') with r of the batch, after KGEmb's `double_neg` (Chami et al., ACL 2020), which has no other
 * ones: here they come beside those of a batch's queries, which `filterNegatives` and `shareNegatives` are about. They teach what is no
 * answer to queries that the training split does not have, which 45 % of WN18RR's test queries are. For each query of a batch there are
 * `doubleNegatives` times as many as of its own kind, 1 + n, in rows as wide as the pass that scores them, each of one random head.
 */
export class DoubleNegatives {
  readonly #kernels: Kernels;
  readonly #entities: number;
  readonly #options: DoubleNegativeOptions;
  readonly #K: number;
  readonly #seed: number;
  readonly #candidates: Int32Array;

  /** @param K - candidates in a row */
  constructor(kernels: Kernels, entities: number, options: DoubleNegativeOptions, K: number) {
    this.#kernels = kernels;
    this.#entities = entities;
    this.#options = options;
    this.#K = K;
    this.#seed = seedOf(options.seed, stream);
    this.#candidates = kernels.engine.int32(this.rows(options.batchSize) * K);
  }

  /** How many rows go with a batch of B queries: one at least, where there are any. */
  rows(B: number): number {
    const { doubleNegatives, negatives } = this.#options;
    return Math.ceil((B * doubleNegatives * (1 + negatives)) / (this.#K - 1));
  }

  draw({ step, relations }: Pick<Batch, "step" | "relations">): NegativeRows {
    const rows = this.rows(relations.length);
    const random = new Random(seedOf(this.#seed, step));
    const heads = Int32Array.from({ length: rows }, () => Math.floor(random.uniform() * this.#entities));
    const counter = step * this.#candidates.length;
    const draw = { batch: rows, negatives: this.#K - 1, entities: this.#entities, seed: this.#seed, counter };
    const candidates = this.#candidates.subarray(0, rows * this.#K);
    this.#kernels.sampleCandidates(draw, heads, candidates);
    return { heads, relations: heads.map((_, i) => relations[i % relations.length]!), candidates };
  }

  /**
   * Their part of the loss of B queries, each as heavy as a negative of `hardLoss`.
   *
   * @param scores - rows x K
   * @param gradient - rows x K, dL/ds
   */
  loss(B: number, scores: Float32Array, gradient: Float32Array): number {
    const { adversarial, doubleNegatives, negatives } = this.#options;
    const rows = scores.length / this.#K;
    // Self-adversarial weights sum to 1 in a row, whose part of the loss is one half, whatever the rows' number is.
    const negativeWeight = adversarial > 0 ? doubleNegatives / (2 * rows) : 1 / (B * (1 + negatives));
    return this.#kernels.bce(rows, this.#K, scores, { positiveWeight: 0, negativeWeight, adversarial }, gradient);
  }

  dispose(): void {
    this.#kernels.engine.free(this.#candidates);
  }
}

type DoubleNegativeOptions = Pick<RunOptions, "seed" | "batchSize" | "adversarial" | "negatives" | "doubleNegatives">;
