import { type Labels, type QueryBatch, queryBatch } from "@mulde/kernels";
import { disposed } from "../_checks.js";
import { Memory } from "../_memory.js";
import type { KgeModel } from "../model.js";
import { type ModelGradients, QuerySide, type TableGradient } from "./gradients.js";
import type { QueryLayer } from "./query-layer.js";

/** What `AllPass.loss` returns. */
export interface AllPassResult {
  readonly loss: number;
  readonly gradients: ModelGradients;
}

/** What `AllPass.loss` minimises. */
export interface AllPassOptions {
  /**
   * `softmax`: cross-entropy over all entities (1vsAll), the mean over the B queries. `logistic`: binary cross-entropy of every entity
   * (KvsAll), the mean over the B x N pairs.
   */
  readonly kind: "softmax" | "logistic";
  /** label smoothing: this part of the labels is spread over all entities; 0 to 1 */
  readonly smoothing: number;
}

/** Forward and backward of a loss over all entities, fused: no B x N scores are stored. `dispose` frees its memory. */
export class AllPass {
  readonly #model: KgeModel;
  readonly #memory: Memory;
  readonly #queries: QueryBatch & { size: number };
  readonly #side: QuerySide;
  readonly #entity: Float32Array;
  readonly #tailBias: Float32Array;
  readonly #headBias: Float32Array;
  #disposed = false;

  /**
   * @param batch - the most queries of one call
   * @param layer - applied to the queries' points
   */
  constructor(
    model: KgeModel,
    batch: number,
    readonly layer?: QueryLayer,
  ) {
    this.#model = model;
    this.#memory = new Memory(model.kernels.engine);
    const parts = this.#memory.build((engine) => ({
      queries: queryBatch(engine, batch, model.dim),
      side: new QuerySide(model, batch, engine),
      entity: engine.float32(model.entities * model.dim),
      tailBias: engine.float32(model.entities),
      headBias: engine.float32(model.entities),
    }));
    this.#queries = parts.queries;
    this.#side = parts.side;
    this.#entity = parts.entity;
    this.#tailBias = parts.tailBias;
    this.#headBias = parts.headBias;
  }

  /** The mean over B queries of -log softmax(s)_target and its gradients: `loss` with one true answer for each query. */
  crossEntropy(heads: Int32Array, relations: Int32Array, targets: Int32Array): AllPassResult {
    const offsets = Int32Array.from({ length: targets.length + 1 }, (_, b) => b);
    return this.loss(heads, relations, { offsets, ids: targets }, { kind: "softmax", smoothing: 0 });
  }

  /**
   * The mean loss of B queries (h, r, ?) and its gradients.
   *
   * @param labels - each query's true answers, at least one
   * @throws MuldeError MODELS_DISPOSED after `dispose` of the pass or of the model
   */
  loss(heads: Int32Array, relations: Int32Array, labels: Labels, options: AllPassOptions): AllPassResult {
    if (this.#disposed) throw disposed("pass");
    const { kernels, similarity, encoder, config, dim, entities } = this.#model;
    const side = this.#side;
    const size = heads.length;
    const { kind, smoothing } = options;
    this.#queries.size = size;
    side.dc.fill(0);
    encoder.forward(heads, relations, this.#queries);
    this.layer?.forward(this.#queries);
    const { loss, dSqrtC } = kernels.allLoss(
      similarity,
      this.#queries,
      this.#model.inference.points,
      labels,
      { kind, smoothing, weight: kind === "softmax" ? 1 / size : 1 / (size * entities) },
      this.#model.table("entity").data,
      config.curvature === "shared" ? this.#model.curvature(0) : 1,
      { dq: side.dq, dc: side.dc, dHeadBias: side.dHeadBias, gradient: this.#entity, tailBias: this.#tailBias },
    );
    this.layer?.backward(this.#queries, side.dq);
    encoder.backward(heads, relations, this.#queries, side.dq, side.rows);
    kernels.addRows(size, dim, heads, side.rows.head, this.#entity);
    // The head's bias is the same in all scores of a query, so that the softmax's gradient by it is zero.
    this.#headBias.fill(0);
    if (kind === "logistic") kernels.addRows(size, 1, heads, side.dHeadBias, this.#headBias);
    const gradients = new Map<string, TableGradient>([
      ["entity", { ids: null, count: entities, values: this.#entity }],
      ["headBias", { ids: null, count: entities, values: this.#headBias }],
      ["tailBias", { ids: null, count: entities, values: this.#tailBias }],
    ]);
    side.collect(relations, size, dSqrtC, gradients);
    return { loss, gradients };
  }

  /** Gives the memory back; a second call does nothing. */
  dispose(): void {
    this.#disposed = true;
    this.#memory.free();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
