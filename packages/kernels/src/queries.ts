import { MuldeError } from "@mulde/errors";
import { KernelBase } from "./_base.js";
import { checkParts, numberOf } from "./_fault.js";
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

/** Relation tables by name, each 2R x dim (CP: 2R x dim/2). An encoder needs some of them; the others are null or left out. */
export type RelationTables = Readonly<Partial<Record<RelationTable, Float32Array | null>>>;

/** The parameters an encoder reads. */
export interface EncoderTables extends RelationTables {
  readonly encoder: EncoderName;
  readonly dim: number;
  /** N x dim */
  readonly entity: Float32Array;
}

/** Gradients by the rows that a batch's queries read, each B x dim (CP: relation B x dim/2), for the tables the encoder reads. */
export interface EncoderGradients extends RelationTables {
  readonly head: Float32Array;
  /** dL/dc of each query, B, added to */
  readonly curvature: Float64Array;
}

/** The kernels that make queries from heads and relations, and points from entity rows. */
export class QueryKernels extends KernelBase {
  /** Encodes B queries q(h, r): fills `out.q`, `out.square` and `out.alpha`. Hyperbolic encoders read c of each query from `out.curvature`. */
  encode(tables: EncoderTables, heads: Int32Array, relations: Int32Array, out: QueryBatch): void {
    checkParts("encode", { tables, out });
    const call = encoderArguments("encode", tables, out.size, heads, relations, out.curvature);
    this.engine.call("encode", [...call, out.q, out.square, out.alpha]);
  }

  /** Computes the gradients by the rows that `encode` read, from `dq` = dL/dq (B x stride). */
  encodeBackward(
    tables: EncoderTables,
    heads: Int32Array,
    relations: Int32Array,
    queries: QueryBatch,
    dq: Float32Array,
    out: EncoderGradients,
  ): void {
    checkParts("encodeBackward", { tables, queries, out });
    this.engine.call("encodeBackward", [
      ...encoderArguments("encodeBackward", tables, queries.size, heads, relations, queries.curvature),
      dq,
      out.head,
      ...relationTables.map((table) => out[table] ?? null),
      out.curvature,
    ]);
  }

  /** Makes points of the first `out.size` rows of an N x dim table, or of those in `rows`, with their biases. c is the shared curvature. */
  points(
    similarity: Similarity,
    table: Float32Array,
    rows: Int32Array | null,
    c: number,
    bias: Float32Array | null,
    out: PointTable,
  ): void {
    checkParts("points", { out });
    const shape = [similarityOf("points", similarity), out.size, out.dim];
    const made = [out.points, out.norm, out.alpha, out.bias];
    this.engine.call("points", [...shape, table, rows, Math.sqrt(c), bias, ...made]);
    if (out.packed) this.engine.call("pack", [out.size, out.dim, out.points, out.packed]);
  }

  /**
   * Computes the `gradient` (count x dim) by table rows from the gradients by points, for the first `count` rows or those in `rows`. For hyperbolic
   * similarities it is in the tangent space. Returns dL/d sqrt(c) of the shared curvature.
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
    checkParts("pointsBackward", { grads });
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
    throw new MuldeError("KERNELS_BAD_SHAPE", `${dim} must be a multiple of ${group} for ${encoder}.`, {
      path: [kernel, "tables", "dim"],
      value: dim,
    });
  }
  return [id, batch, dim, entity, ...relationTables.map((table) => tables[table] ?? null), heads, relations, curvature];
}
