import {
  freeAll,
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
import { type ModelGradients, QuerySide, type TableGradient } from "./gradients.js";
import type { KgeModel } from "../model.js";
import type { QueryLayer } from "./query-layer.js";

/**
 * Forward and backward over each query's own candidates, for training: scores B x K, and from dL/ds the gradients of every table. Only
 * the entity rows that a batch touches are read. All memory is allocated once, for up to `batch` queries with `candidates` each.
 */
export class CandidatePass {
  readonly #model: KgeModel;
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

  /** @param layer - applied to the queries' points */
  constructor(
    model: KgeModel,
    batch: number,
    candidates: number,
    readonly layer?: QueryLayer,
  ) {
    const { engine } = model.kernels;
    const pairs = batch * candidates;
    const rows = Math.min(pairs + batch, model.entities);
    this.#model = model;
    this.#queries = queryBatch(engine, batch, model.dim);
    this.#points = pointTable(engine, rows, model.dim, false);
    this.#plan = plan(engine, pairs, batch);
    this.#side = new QuerySide(model, batch);
    this.#scores = engine.float32(pairs);
    this.#pairs = pairTerms(engine, model.similarity, pairs);
    this.#dPoints = engine.float32(rows * rowStride(model.dim));
    this.#radial = engine.float32(rows);
    this.#entity = engine.float32(rows * model.dim);
    this.#tailBias = engine.float32(rows);
    this.#headBias = engine.float32(rows);
  }

  /**
   * Scores of the candidates, B x K: a view that the next call overwrites.
   *
   * @param candidates B x K entity ids; K is what their number makes it, at most the pass's own
   */
  forward(heads: Int32Array, relations: Int32Array, candidates: Int32Array): Float32Array {
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

  /** Gradients by all tables, from dL/ds (B x K) of the last forward pass. */
  backward(gradScores: Float32Array): ModelGradients {
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
    // The plan knows the heads' rows.
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

  dispose(): void {
    const { kernels } = this.#model;
    for (const owner of [this.#queries, this.#points, this.#plan]) freeAll(kernels.engine, owner);
    this.#side.dispose(kernels);
    kernels.engine.free(
      this.#scores,
      this.#pairs.terms,
      this.#pairs.along,
      this.#pairs.radii,
      this.#dPoints,
      this.#radial,
      this.#entity,
      this.#tailBias,
      this.#headBias,
    );
  }

  get #sharedC(): number {
    return this.#model.config.curvature === "shared" ? this.#model.curvature(0) : 1;
  }
}
