import { freeAll, type QueryBatch, queryBatch } from "@mulde/kernels";
import { type ModelGradients, QuerySide, type TableGradient } from "./gradients.js";
import type { KgeModel } from "./model.js";

/** What `AllPass.crossEntropy` returns. */
export interface AllPassResult {
  readonly loss: number;
  readonly gradients: ModelGradients;
}

/** Forward and backward of the softmax cross-entropy over all entities (1vsAll), fused: no B x N scores are stored. */
export class AllPass {
  readonly #model: KgeModel;
  readonly #queries: QueryBatch & { size: number };
  readonly #side: QuerySide;
  readonly #entity: Float32Array;
  readonly #tailBias: Float32Array;
  readonly #headBias: Float32Array;

  constructor(model: KgeModel, batch: number) {
    const { engine } = model.kernels;
    this.#model = model;
    this.#queries = queryBatch(engine, batch, model.dim);
    this.#side = new QuerySide(model, batch);
    this.#entity = engine.float32(model.entities * model.dim);
    this.#tailBias = engine.float32(model.entities);
    this.#headBias = engine.float32(model.entities);
  }

  /** Mean over the B queries of -log softmax(s)_target, and its gradients. */
  crossEntropy(heads: Int32Array, relations: Int32Array, targets: Int32Array): AllPassResult {
    const { kernels, similarity, encoder, config, dim, entities } = this.#model;
    const side = this.#side;
    const size = heads.length;
    this.#queries.size = size;
    side.dc.fill(0);
    encoder.forward(heads, relations, this.#queries);
    const { loss, dSqrtC } = kernels.allCrossEntropy(
      similarity,
      this.#queries,
      this.#model.inference.points,
      targets,
      1 / size,
      this.#model.table("entity").data,
      config.curvature === "shared" ? this.#model.curvature(0) : 1,
      { dq: side.dq, dc: side.dc, gradient: this.#entity, tailBias: this.#tailBias },
    );
    encoder.backward(heads, relations, this.#queries, side.dq, side.rows);
    kernels.addRows(size, dim, heads, side.rows.head, this.#entity);
    // A softmax over all entities does not see the head's bias: its gradient is zero.
    const gradients = new Map<string, TableGradient>([
      ["entity", { ids: null, count: entities, values: this.#entity }],
      ["headBias", { ids: null, count: entities, values: this.#headBias }],
      ["tailBias", { ids: null, count: entities, values: this.#tailBias }],
    ]);
    side.collect(relations, size, dSqrtC, gradients);
    return { loss, gradients };
  }

  dispose(): void {
    const { kernels } = this.#model;
    freeAll(kernels.engine, this.#queries);
    this.#side.dispose(kernels);
    kernels.engine.free(this.#entity, this.#tailBias, this.#headBias);
  }
}
