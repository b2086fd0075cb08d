import type { Kernels } from "@mulde/kernels";
import type { RunOptions } from "../run/options.js";
import { streamAt, streamSeed } from "../run/streams.js";
import type { Batch, CandidateBlock, ScoredBlock } from "../step/block.js";
import type { CandidateSource, Label, LabelLoss, QuerySource, RowPlan } from "../step/parts.js";

/**
 * Negatives (h', r, t') with both ends random and r from the batch, after KGEmb's `double_neg` (Chami et al., ACL 2020). KGEmb has no other
 * negatives; here they come beside the queries' own. They teach what is no answer to queries that the training split lacks, which 45 % of
 * WN18RR's test queries are.
 *
 * Each row is one random head with K entities. For each query of a batch there are `bothEnds` times as many as of its own, 1 + n.
 */
export function bothEndsPlan(kernels: Kernels, entities: number, options: BothEndsOptions, K: number): RowPlan {
  const part = new BothEnds(kernels, entities, options, K);
  return { queries: part, blocks: [{ source: part, labels: [part] }] };
}

class BothEnds implements QuerySource, CandidateSource, Label {
  readonly name = "bothEnds";
  readonly K: number;
  readonly #kernels: Kernels;
  readonly #entities: number;
  readonly #options: BothEndsOptions;
  readonly #seed: number;
  /** B of the step under way */
  #batch = 0;

  constructor(kernels: Kernels, entities: number, options: BothEndsOptions, K: number) {
    this.K = K;
    this.#kernels = kernels;
    this.#entities = entities;
    this.#options = options;
    this.#seed = streamSeed(options.seed, "bothEnds");
  }

  /** One row at least, so that the last and smallest batch has some too. */
  size(B: number): number {
    const { bothEnds, count } = this.#options.negatives;
    return Math.ceil((B * bothEnds * (1 + count)) / (this.K - 1));
  }

  draw({ epoch, step, relations }: Batch): Batch {
    this.#batch = relations.length;
    const size = this.size(relations.length);
    const random = streamAt(this.#options.seed, "bothEnds", step);
    const heads = Int32Array.from({ length: size }, () => Math.floor(random.uniform() * this.#entities));
    return {
      epoch,
      step,
      heads,
      relations: heads.map((_, i) => relations[i % relations.length]!),
      tails: new Int32Array(size).fill(-1),
    };
  }

  fill({ queries, K, stride, candidates }: CandidateBlock): void {
    const { heads, step } = queries;
    const counter = step * this.size(this.#options.batchSize) * K;
    const draw = { batch: heads.length, negatives: K - 1, entities: this.#entities, seed: this.#seed, counter, stride };
    // The first of a row has no weight in the loss: any entity serves.
    this.#kernels.sampleCandidates(draw, heads, candidates);
  }

  /** Each negative weighs as much as one of the hard label. */
  learn({ queries, K, stride, scores, gradient }: ScoredBlock): LabelLoss {
    const { adversarial } = this.#options.loss;
    const { bothEnds, count } = this.#options.negatives;
    const rows = queries.heads.length;
    // Self-adversarial weights sum to 1 in a row, and negatives count one half, whatever the number of rows.
    const negativeWeight = adversarial > 0 ? bothEnds / (2 * rows) : 1 / (this.#batch * (1 + count));
    const weights = { positiveWeight: 0, negativeWeight, adversarial };
    return { hard: this.#kernels.bce(rows, K, scores, weights, gradient, stride) };
  }
}

type BothEndsOptions = Pick<RunOptions, "seed" | "batchSize" | "loss" | "negatives">;
