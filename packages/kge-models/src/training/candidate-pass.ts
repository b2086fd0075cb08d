import {
  type PairTerms,
  pairTerms,
  plan,
  type Plan,
  type PointTable,
  pointTable,
  type QueryBatch,
  queryBatch,
  rowStride,
} from "@mulde/kernels";
import { disposed } from "../_checks.js";
import { Memory } from "../_memory.js";
import type { KgeModel } from "../model.js";
import { type ModelGradients, QuerySide, type TableGradient } from "./gradients.js";
import type { QueryLayer } from "./query-layer.js";

/**
 * Forward and backward over each query's own candidates: scores B x K, and from dL/ds the gradients by every table. It reads only the
 * entity rows that a batch touches. All memory is allocated once, for up to `batch` queries with `candidates` each; `dispose` frees it.
 */
export class CandidatePass {
  readonly #model: KgeModel;
  readonly #memory: Memory;
  readonly #queries: QueryBatch & { size: number };
  readonly #points: PointTable & { size: number };
  readonly #plan: Plan & { size: number };
  readonly #side: QuerySide;
  readonly #scores: Float32Array;
  readonly #pairs: PairTerms;
  readonly #dPoints: Float32Array;
  readonly #radial: Float32Array;
  readonly #entity: Float32Array;
  readonly #tailBias: Float32Array;
  readonly #headBias: Float32Array;
  #heads: Int32Array = new Int32Array();
  #relations: Int32Array = new Int32Array();
  #K = 0;
  #disposed = false;

  /** @param layer - applied to the queries' points */
  constructor(
    model: KgeModel,
    batch: number,
    candidates: number,
    readonly layer?: QueryLayer,
  ) {
    const { dim, entities, similarity } = model;
    const pairs = batch * candidates;
    const rows = Math.min(pairs + batch, entities);
    this.#model = model;
    this.#memory = new Memory(model.kernels.engine);
    const parts = this.#memory.build((engine) => ({
      queries: queryBatch(engine, batch, dim),
      points: pointTable(engine, rows, dim, false),
      plan: plan(engine, pairs, batch),
      side: new QuerySide(model, batch, engine),
      scores: engine.float32(pairs),
      pairs: pairTerms(engine, similarity, pairs),
      dPoints: engine.float32(rows * rowStride(dim)),
      radial: engine.float32(rows),
      entity: engine.float32(rows * dim),
      tailBias: engine.float32(rows),
      headBias: engine.float32(rows),
    }));
    this.#queries = parts.queries;
    this.#points = parts.points;
    this.#plan = parts.plan;
    this.#side = parts.side;
    this.#scores = parts.scores;
    this.#pairs = parts.pairs;
    this.#dPoints = parts.dPoints;
    this.#radial = parts.radial;
    this.#entity = parts.entity;
    this.#tailBias = parts.tailBias;
    this.#headBias = parts.headBias;
  }

  /**
   * Scores of the candidates, B x K: a view that the next call overwrites.
   *
   * @param candidates - B x K entity ids; K follows from their number
   * @throws MuldeError MODELS_DISPOSED after `dispose` of the pass or of the model
   */
  forward(heads: Int32Array, relations: Int32Array, candidates: Int32Array): Float32Array {
    if (this.#disposed) throw disposed("pass");
    const { kernels, similarity, encoder, entities } = this.#model;
    const size = heads.length;
    const pairs = candidates.length;
    this.#heads = heads;
    this.#relations = relations;
    this.#K = pairs / size;
    this.#queries.size = size;
    encoder.forward(heads, relations, this.#queries);
    this.layer?.forward(this.#queries);
    this.#plan.size = kernels.plan(candidates, heads, entities, this.#plan);
    this.#points.size = this.#plan.size;
    kernels.points(
      similarity,
      this.#model.table("entity").data,
      this.#plan.rows,
      this.#sharedC,
      this.#model.table("tailBias").data,
      this.#points,
    );
    kernels.plannedCandidates(similarity, this.#queries, this.#points, this.#plan, this.#K, this.#pairs, this.#scores);
    return this.#scores.subarray(0, pairs);
  }

  /** Gradients by all tables, from the dL/ds (B x K) of the last `forward`. */
  backward(gradScores: Float32Array): ModelGradients {
    if (this.#disposed) throw disposed("pass");
    const { kernels, similarity, encoder } = this.#model;
    const side = this.#side;
    side.dc.fill(0);
    const { dq, dc, dHeadBias } = side;
    const { dim } = this.#model;
    const size = this.#queries.size;
    const grads = { dPoints: this.#dPoints, radial: this.#radial };
    kernels.plannedBackward(similarity, this.#queries, this.#points, this.#plan, this.#K, this.#pairs, gradScores, {
      dq,
      dc,
      dHeadBias,
      ...grads,
      tailBias: this.#tailBias,
    });
    this.layer?.backward(this.#queries, dq);
    encoder.backward(this.#heads, this.#relations, this.#queries, dq, side.rows);
    const dSqrtC = kernels.pointsBackward(
      similarity,
      this.#model.table("entity").data,
      this.#plan.rows,
      this.#sharedC,
      this.#plan.size,
      dim,
      grads,
      this.#entity,
    );
    // The plan holds the heads' rows.
    const { local } = this.#plan;
    kernels.addRows(size, dim, local, side.rows.head, this.#entity);
    this.#headBias.fill(0, 0, this.#plan.size);
    kernels.addRows(size, 1, local, dHeadBias, this.#headBias);
    const ids = this.#plan.rows;
    const count = this.#plan.size;
    const out = new Map<string, TableGradient>([
      ["entity", { ids, count, values: this.#entity }],
      ["headBias", { ids, count, values: this.#headBias }],
      ["tailBias", { ids, count, values: this.#tailBias }],
    ]);
    side.collect(this.#relations, this.#queries.size, dSqrtC, out);
    return out;
  }

  /** Gives the memory back; a second call does nothing. */
  dispose(): void {
    this.#disposed = true;
    this.#memory.free();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  get #sharedC(): number {
    return this.#model.config.curvature === "shared" ? this.#model.curvature(0) : 1;
  }
}
