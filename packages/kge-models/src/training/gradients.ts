import { type Engine, rowStride } from "@mulde/kernels";
import { isShared } from "../models/_shape.js";
import type { QueryGradients } from "./encoder.js";
import type { KgeModel } from "../model.js";

/** The gradient of one parameter table: for `count` rows `ids` (ascending), or for all rows where `ids` is null. */
export interface TableGradient {
  readonly ids: Int32Array | null;
  readonly count: number;
  /** count x width, or rows x width */
  readonly values: Float32Array;
}

/** Gradients by table name: views of a pass's memory, valid until its next step. */
export type ModelGradients = ReadonlyMap<string, TableGradient>;

/**
 * What both kinds of pass do alike: from gradients by the queries' points to those by the relation tables and the curvature.
 * Memory for up to `batch` queries is allocated once.
 */
export class QuerySide {
  readonly dq: Float32Array;
  readonly dHeadBias: Float32Array;
  /** dL/dc of each query, from the similarity and from the encoder */
  readonly dc: Float64Array;
  readonly rows: QueryGradients;
  readonly #model: KgeModel;
  readonly #tables = new Map<string, Float32Array>();

  /** @param engine - allocates, and belongs to the pass */
  constructor(model: KgeModel, batch: number, engine: Engine) {
    this.#model = model;
    this.dq = engine.float32(batch * rowStride(model.dim));
    this.dHeadBias = engine.float32(batch);
    this.dc = engine.float64(batch);
    const relation = new Map<string, Float32Array>();
    for (const name of Object.keys(model.definition.tables)) {
      const { rows, width } = model.table(name);
      // A batch gives a row that all relations share one gradient, with nothing to add up.
      const shared = isShared(model.definition, name);
      relation.set(name, engine.float32((shared ? 1 : batch) * width));
      if (!shared) this.#tables.set(name, engine.float32(rows * width));
    }
    if (model.hyperbolic) this.#tables.set("curvature", engine.float32(model.table("curvature").rows));
    this.rows = { head: engine.float32(batch * model.dim), relation, curvature: this.dc };
  }

  /**
   * Adds up the rows of the relation tables and the parts of the curvature, after the encoder's backward pass. `dSqrtC` is the
   * contribution of the entity points to a shared curvature.
   */
  collect(relations: Int32Array, size: number, dSqrtC: number, out: Map<string, TableGradient>): void {
    const { kernels, config } = this.#model;
    for (const [name, source] of this.rows.relation) {
      const { rows, width } = this.#model.table(name);
      const values = this.#tables.get(name);
      if (!values) {
        out.set(name, { ids: null, count: rows, values: source });
        continue;
      }
      values.fill(0);
      kernels.addRows(size, width, relations, source, values);
      out.set(name, { ids: null, count: rows, values });
    }
    const curvature = this.#tables.get("curvature");
    if (!curvature) return;
    const k = this.#model.table("curvature").data;
    const sums = new Float64Array(curvature.length);
    for (let b = 0; b < size; b++) sums[config.curvature === "shared" ? 0 : relations[b]!]! += this.dc[b]!;
    for (let i = 0; i < sums.length; i++) {
      const byC = sums[i]! + (config.curvature === "shared" ? dSqrtC / (2 * Math.sqrt(this.#model.curvature(0))) : 0);
      curvature[i] = byC / (1 + Math.exp(-k[i]!)); // c = softplus(k)
    }
    out.set("curvature", { ids: null, count: curvature.length, values: curvature });
  }
}
