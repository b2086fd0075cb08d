import { freeAll, type PointTable, pointTable, type QueryBatch, queryBatch } from "@mulde/kernels";
import type { ModelState } from "./_model-state.js";
import type { RankCounts, RankQueries, TopK } from "./types.js";

// Queries are encoded in blocks of at most this many, which bounds the scratch memory.
const blockSize = 1024;

/** Scores with a model's present parameters. Entity points are prepared once and again after `model.touch()`. */
export class Inference {
  readonly #model: ModelState;
  #points: (PointTable & { size: number }) | undefined;
  #version = -1;
  #queries: (QueryBatch & { size: number }) | undefined;
  #capacity = 0;

  constructor(model: ModelState) {
    this.#model = model;
  }

  /** All entities' points, packed for the all-entity kernels. */
  get points(): PointTable {
    const model = this.#model;
    const { kernels } = model;
    this.#points ??= pointTable(kernels.engine, model.entities, model.dim, true);
    if (this.#version !== model.version) {
      kernels.points(
        model.similarity,
        model.table("entity").data,
        null,
        model.config.curvature === "shared" ? model.curvature(0) : 1,
        model.table("tailBias").data,
        this.#points,
      );
      this.#version = model.version;
    }
    return this.#points;
  }

  /** The queries' points, valid until the next call. */
  encode(heads: Int32Array, relations: Int32Array): QueryBatch {
    const { encoder, kernels, dim } = this.#model;
    if (heads.length > this.#capacity) {
      if (this.#queries) freeAll(kernels.engine, this.#queries);
      this.#capacity = Math.max(heads.length, Math.min(2 * this.#capacity, blockSize));
      this.#queries = queryBatch(kernels.engine, this.#capacity, dim);
    }
    this.#queries!.size = heads.length;
    encoder.forward(heads, relations, this.#queries!);
    return this.#queries!;
  }

  /** Scores of K candidates of each query, B x K; K = candidates.length / B. */
  score(heads: Int32Array, relations: Int32Array, candidates: Int32Array, out: Float32Array): void {
    const { kernels, similarity } = this.#model;
    const { points } = this;
    const K = candidates.length / heads.length;
    this.#blocks(heads, relations, (queries, begin, end) => {
      kernels.candidates(
        similarity,
        queries,
        points,
        candidates.subarray(begin * K, end * K),
        K,
        out.subarray(begin * K, end * K),
      );
    });
  }

  scoreAll(heads: Int32Array, relations: Int32Array, out: Float32Array): void {
    const { kernels, similarity, entities } = this.#model;
    const { points } = this;
    this.#blocks(heads, relations, (queries, begin, end) => {
      kernels.scoreAll(similarity, queries, points, out.subarray(begin * entities, end * entities));
    });
  }

  topK(heads: Int32Array, relations: Int32Array, k: number): TopK {
    const { kernels, similarity } = this.#model;
    const { points } = this;
    const ids = new Int32Array(heads.length * k);
    const scores = new Float32Array(heads.length * k);
    this.#blocks(heads, relations, (queries, begin, end) => {
      kernels.topK(
        similarity,
        queries,
        points,
        k,
        ids.subarray(begin * k, end * k),
        scores.subarray(begin * k, end * k),
      );
    });
    return { k, ids, scores };
  }

  /** The fused path of filtered ranking: counts rivals without storing B x N scores. */
  rank(queries: RankQueries, out: RankCounts): void {
    const { kernels, similarity } = this.#model;
    const { points } = this;
    this.#blocks(queries.heads, queries.relations, (batch, begin, end) => {
      const offsets = queries.filterOffsets.slice(begin, end + 1);
      const first = offsets[0]!;
      for (let i = 0; i < offsets.length; i++) offsets[i]! -= first;
      kernels.rank(similarity, batch, points, {
        targets: queries.targets.subarray(begin, end),
        filterOffsets: offsets,
        filterIds: queries.filterIds.subarray(first, first + offsets[end - begin]!),
        greater: out.greater.subarray(begin, end),
        equal: out.equal.subarray(begin, end),
      });
    });
  }

  dispose(): void {
    const { engine } = this.#model.kernels;
    if (this.#points) freeAll(engine, this.#points);
    if (this.#queries) freeAll(engine, this.#queries);
    this.#points = this.#queries = undefined;
    this.#capacity = 0;
    this.#version = -1;
  }

  #blocks(
    heads: Int32Array,
    relations: Int32Array,
    run: (queries: QueryBatch, begin: number, end: number) => void,
  ): void {
    for (let begin = 0; begin < heads.length; begin += blockSize) {
      const end = Math.min(begin + blockSize, heads.length);
      run(this.encode(heads.subarray(begin, end), relations.subarray(begin, end)), begin, end);
    }
  }
}
