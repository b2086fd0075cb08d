import { MuldeError } from "@mulde/errors";
import { KernelBase } from "./_base.js";
import { numberOf } from "./_fault.js";
import { encoders, relationTables } from "./_generated.js";
import { similarityOf } from "./_pairs.js";
import type { KernelArgument } from "./engine.js";
import {
  type EncoderName,
  encoderNames,
  type PointTable,
  type QueryBatch,
  type RelationTable,
  type Similarity,
} from "./shapes.js";

/** Relation tables by their names, each 2R x dim (CP: 2R x dim/2) or null; an encoder needs some of them. */
export type RelationTables = Readonly<Record<RelationTable, Float32Array | null>>;

/** The parameters that an encoder reads. */
export interface EncoderTables extends RelationTables {
  readonly encoder: EncoderName;
  readonly dim: number;
  /** N x dim */
  readonly entity: Float32Array;
}

/** Gradients of a batch by the rows that its queries read, each B x dim (CP: relation B x dim/2), or null where a table is not used. */
export interface EncoderGradients extends RelationTables {
  readonly head: Float32Array;
  /** dL/dc of each query, B, added to */
  readonly curvature: Float64Array;
}

/** Kernels on one side of a score: queries from heads and relations, points from entity rows. */
export class QueryKernels extends KernelBase {
  /** q(h, r) for B queries: fills `out.q`, `square` and `alpha`; `out.curvature` holds c of each query where hyperbolic. */
  encode(tables: EncoderTables, heads: Int32Array, relations: Int32Array, out: QueryBatch): void {
    const call = encoderArguments("encode", tables, out.size, heads, relations, out.curvature);
    this.engine.call("encode", [...call, out.q, out.square, out.alpha]);
  }

  /** From dq (B x stride) to the gradients by the rows read. `queries.curvature` as in `encode`. */
  encodeBackward(
    tables: EncoderTables,
    heads: Int32Array,
    relations: Int32Array,
    queries: QueryBatch,
    dq: Float32Array,
    out: EncoderGradients,
  ): void {
    this.engine.call("encodeBackward", [
      ...encoderArguments("encodeBackward", tables, queries.size, heads, relations, queries.curvature),
      dq,
      out.head,
      ...relationTables.map((table) => out[table]),
      out.curvature,
    ]);
  }

  /** Points of `out.size` rows (all, or those in `rows`) of an N x dim table, with their biases; c is the shared curvature. */
  points(
    similarity: Similarity,
    table: Float32Array,
    rows: Int32Array | null,
    c: number,
    bias: Float32Array | null,
    out: PointTable,
  ): void {
    const shape = [similarityOf("points", similarity), out.size, out.dim];
    const made = [out.points, out.norm, out.alpha, out.bias];
    this.engine.call("points", [...shape, table, rows, Math.sqrt(c), bias, ...made]);
    if (out.packed) this.engine.call("pack", [out.size, out.dim, out.points, out.packed]);
  }

  /**
   * From points' gradients to those of table rows (`count` x dim, written; in the tangent space where hyperbolic), for all rows or for those
   * in `rows`. Returns dL/d sqrt(c) of the shared curvature.
   */
  pointsBackward(
    similarity: Similarity,
    table: Float32Array,
    rows: Int32Array | null,
    c: number,
    count: number,
    dim: number,
    grads: { readonly dPoints: Float32Array; readonly radial: Float32Array },
    gradient: Float32Array,
  ): number {
    const shape = [similarityOf("pointsBackward", similarity), count, dim];
    const given = [table, rows, Math.sqrt(c), grads.dPoints, grads.radial];
    return this.sumOf("pointsBackward", [...shape, ...given, gradient]);
  }
}

function encoderArguments(
  kernel: string,
  tables: EncoderTables,
  batch: number,
  heads: Int32Array,
  relations: Int32Array,
  curvature: Float32Array | null,
): KernelArgument[] {
  const { encoder, dim, entity } = tables;
  const id = numberOf([kernel, "tables", "encoder"], encoderNames, encoder);
  const { group } = encoders[encoder];
  if (dim % group !== 0) {
    throw new MuldeError(
      "KERNELS_BAD_SHAPE",
      `${encoder} takes ${group} coordinates at a time, of which ${dim} is no multiple.`,
      {
        path: [kernel, "tables", "dim"],
        value: dim,
      },
    );
  }
  return [id, batch, dim, entity, ...relationTables.map((table) => tables[table]), heads, relations, curvature];
}
