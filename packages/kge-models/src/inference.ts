import { hasCode, MuldeError } from "@mulde/errors";
import { type PointTable, pointTable, type QueryBatch, queryBatch } from "@mulde/kernels";
import { Memory } from "./_memory.js";
import type { ModelState } from "./_model-state.js";
import type { ModelScore, RankCounts, RankQueries, TopK } from "./types.js";

// At most so many queries are encoded at a time, which bounds the scratch memory.
const blockSize = 1024;

/**
 * Scores with a model's present parameters, into arrays of the caller, without checks of ids. Entity points are prepared once, and again
 * after `model.touch()`.
 */
export class Inference {
  readonly #model: ModelState;
  readonly #pointMemory: Memory;
  readonly #queryMemory: Memory;
  #points: (PointTable & { size: number }) | undefined;
  #version = -1;
  /** whether the points of this version are finite; undefined where nobody asked */
  #sound: boolean | undefined;
  #queries: (QueryBatch & { size: number }) | undefined;
  #capacity = 0;

  constructor(model: ModelState) {
    this.#model = model;
    this.#pointMemory = new Memory(model.kernels.engine);
    this.#queryMemory = new Memory(model.kernels.engine);
  }

  /** The points of all entities, packed for the all-entity kernels. */
  get points(): PointTable {
    const model = this.#model;
    const { kernels } = model;
    const entity = model.table("entity").data;
    this.#points ??= this.#pointMemory.build((engine) => pointTable(engine, model.entities, model.dim, true));
    if (this.#version !== model.version) {
      kernels.points(
        model.similarity,
        entity,
        null,
        model.config.curvature === "shared" ? model.curvature(0) : 1,
        model.table("tailBias").data,
        this.#points,
      );
      this.#version = model.version;
      this.#sound = undefined;
    }
    return this.#points;
  }

  /** Whether no entity has a parameter that is NaN or infinite. */
  get sound(): boolean {
    const { norm, bias } = this.points;
    const finite = (values: Float32Array): boolean => values.every((value) => value - value === 0);
    return (this.#sound ??= finite(norm) && finite(bias));
  }

  /** The first entity that scores NaN or an infinity in a query; undefined if none does, but for those left out. */
  oddScore(head: number, relation: number, leftOut: Int32Array = new Int32Array()): ModelScore | undefined {
    const scores = new Float32Array(this.#model.entities);
    this.scoreAll(Int32Array.of(head), Int32Array.of(relation), scores);
    const entity = scores.findIndex((score, e) => !Number.isFinite(score) && !leftOut.includes(e));
    return entity === -1 ? undefined : { head, relation, entity, score: scores[entity]! };
  }

  /** The points of B queries, valid until the next call. */
  encode(heads: Int32Array, relations: Int32Array): QueryBatch {
    const { encoder, dim } = this.#model;
    if (this.#queries === undefined || heads.length > this.#capacity) {
      this.#freeQueries();
      const capacity = Math.max(heads.length, Math.min(2 * this.#capacity, blockSize));
      this.#queries = this.#queryMemory.build((engine) => queryBatch(engine, capacity, dim));
      this.#capacity = capacity;
    }
    this.#queries.size = heads.length;
    encoder.forward(heads, relations, this.#queries);
    return this.#queries;
  }

  /** Writes the scores of each query's K candidates; `candidates` and `out` are B x K. */
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

  /** Writes the scores of all entities; `out` is B x N. */
  scoreAll(heads: Int32Array, relations: Int32Array, out: Float32Array): void {
    const { kernels, similarity, entities } = this.#model;
    const { points } = this;
    this.#blocks(heads, relations, (queries, begin, end) => {
      kernels.scoreAll(similarity, queries, points, out.subarray(begin * entities, end * entities));
    });
  }

  /** The k best entities of each query, k at most N. */
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

  /**
   * Counts the rivals of each query's target, as filtered ranking needs them, without storing B x N scores.
   *
   * @throws MuldeError SCORE_NOT_FINITE for a score that is NaN or infinite and counts, with a `ModelScore` as `value`
   */
  rank(queries: RankQueries, out: RankCounts): void {
    const { kernels, similarity } = this.#model;
    const { points } = this;
    this.#blocks(queries.heads, queries.relations, (batch, begin, end) => {
      const offsets = queries.filterOffsets.slice(begin, end + 1);
      const first = offsets[0]!;
      for (let i = 0; i < offsets.length; i++) offsets[i]! -= first;
      try {
        kernels.rank(similarity, batch, points, {
          targets: queries.targets.subarray(begin, end),
          filterOffsets: offsets,
          filterIds: queries.filterIds.subarray(first, first + offsets[end - begin]!),
          greater: out.greater.subarray(begin, end),
          equal: out.equal.subarray(begin, end),
        });
      } catch (error) {
        if (!hasCode(error, "SCORE_NOT_FINITE")) throw error;
        throw this.#named(error, queries, begin + (error.value as { readonly query: number }).query);
      }
    });
  }

  /** The kernel knows a query by its position in the block; this is its error with the ids. */
  #named(
    cause: MuldeError,
    { heads, relations, targets, filterOffsets, filterIds }: RankQueries,
    b: number,
  ): MuldeError {
    const [head, relation] = [heads[b]!, relations[b]!];
    const value = this.oddScore(head, relation, filterIds.subarray(filterOffsets[b], filterOffsets[b + 1]));
    const what = value ? `Entity ${value.entity} scores ${value.score}` : "A score is not finite";
    return new MuldeError(
      "SCORE_NOT_FINITE",
      `${what} in the query (${head}, ${relation}, ?) whose answer is ${targets[b]!}: the model diverged, train it with a lower learning rate.`,
      { value: value ?? { head, relation }, cause },
    );
  }

  /** Gives its memory back; the next call allocates it again. */
  dispose(): void {
    this.#pointMemory.free();
    this.#points = undefined;
    this.#version = -1;
    this.#freeQueries();
    this.#capacity = 0;
  }

  #freeQueries(): void {
    this.#queryMemory.free();
    this.#queries = undefined;
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
