import type { AnswerIndex } from "@mulde/datasets";
import { MuldeError } from "@mulde/errors";
import type { KgeModel } from "@mulde/kge-models";
import { streamSeed } from "../run/streams.js";
import type { Batch, CandidateBlock } from "../step/block.js";
import type { CandidateSource } from "../step/parts.js";
import type { TopKMemory } from "./top-k-memory.js";
import { keepUnknown, widthForUnknown } from "./unknown-best.js";

/** The Junior's own K best of each query, its top K now or as kept for some epochs. */
export class JuniorsBest implements CandidateSource {
  readonly name = "junior";
  readonly #junior: KgeModel;
  readonly #memory: TopKMemory | undefined;
  readonly #known: AnswerIndex | undefined;

  /**
   * @param memory - keeps candidates between epochs
   * @param known - answers that must not be candidates
   */
  constructor(
    junior: KgeModel,
    readonly K: number,
    memory?: TopKMemory,
    known?: AnswerIndex,
  ) {
    this.#junior = junior;
    this.#memory = memory;
    this.#known = known;
  }

  get state(): ReadonlyMap<string, Float32Array> {
    return this.#memory?.state() ?? new Map();
  }

  fill({ queries, stride, candidates }: CandidateBlock): void {
    if (!this.#memory) {
      this.#lookUp(queries, candidates, stride);
      return;
    }
    const stale = at(queries, this.#memory.stale(queries));
    if (stale.heads.length > 0) {
      const found = new Int32Array(stale.heads.length * this.K);
      this.#lookUp(stale, found, this.K);
      this.#memory.keep(stale, found);
    }
    this.#memory.recall(queries, candidates, stride);
  }

  #lookUp(queries: AskedQueries, out: Int32Array, stride: number): void {
    const { K } = this;
    if (!this.#known) {
      this.#best(queries, K, out, false, stride);
      return;
    }
    const width = Math.min(widthForUnknown(queries, this.#known, K), this.#junior.entities);
    const best = new Int32Array(queries.heads.length * width);
    this.#best(queries, width, best, true, width);
    keepUnknown(queries, this.#known, best, K, out, stride);
  }

  /** Writes the Junior's best of all entities, `width` in each row. */
  #best({ heads, relations }: AskedQueries, width: number, out: Int32Array, sorted: boolean, stride: number): void {
    const { kernels, inference, similarity } = this.#junior;
    kernels.topK(similarity, inference.encode(heads, relations), inference.points, width, out, null, sorted, stride);
    // The kernel fills a row up with -1 where scores are NaN; no teacher can be asked about that entity.
    for (let b = 0; b < heads.length; b++) {
      if (out[b * stride + width - 1] === -1) {
        const value = inference.oddScore(heads[b]!, relations[b]!);
        throw new MuldeError("SCORE_NOT_FINITE", "The Junior scores NaN: it diverged.", { value });
      }
    }
  }
}

/** K random entities, the known answer first where there is one: an ablation. */
export function randomCandidates(
  { kernels, entities }: KgeModel,
  K: number,
  { batchSize, seed }: { readonly batchSize: number; readonly seed: number },
): CandidateSource {
  const stream = streamSeed(seed, "randomCandidates");
  return {
    name: "random",
    K,
    fill({ queries, stride, candidates }) {
      const { tails, step } = queries;
      const counter = step * batchSize * K;
      const draw = { batch: tails.length, negatives: K - 1, entities, seed: stream, counter, stride };
      kernels.sampleCandidates(draw, tails, candidates);
    },
  };
}

/** All entities, in the order of their ids. */
export function allCandidates({ entities: K }: KgeModel): CandidateSource {
  return {
    name: "all",
    K,
    fill({ queries, stride, candidates }) {
      for (let b = 0; b < queries.heads.length; b++) for (let k = 0; k < K; k++) candidates[b * stride + k] = k;
    },
  };
}

type AskedQueries = Pick<Batch, "epoch" | "heads" | "relations">;

/** The queries of a batch at some positions. */
export function at({ epoch, heads, relations }: Batch, positions: readonly number[]): AskedQueries {
  const pick = (column: Int32Array): Int32Array => Int32Array.from(positions, (b) => column[b]!);
  return { epoch, heads: pick(heads), relations: pick(relations) };
}
