import { MuldeError } from "@mulde/errors";
import { KernelBase } from "./_base.js";
import type { KernelArgument } from "./engine.js";
import {
  encoderId,
  type EncoderName,
  encoderShapes,
  type PointTable,
  type QueryBatch,
  type Similarity,
  similarityOf,
} from "./shapes.js";

/** The parameters that an encoder reads. Relation tables are 2R x dim (CP: 2R x dim/2); an encoder needs some of them. */
export interface EncoderTables {
  readonly encoder: EncoderName;
  readonly dim: number;
  /** N x dim */
  readonly entity: Float32Array;
  readonly relation: Float32Array | null;
  readonly rotation: Float32Array | null;
  readonly reflection: Float32Array | null;
  readonly innerTranslation: Float32Array | null;
  readonly context: Float32Array | null;
  readonly diagonal: Float32Array | null;
}

/** Gradients of a batch by the rows that its queries read, each B x dim (CP: relation B x dim/2), or null where a table is not used. */
export interface EncoderGradients {
  readonly head: Float32Array;
  readonly relation: Float32Array | null;
  readonly rotation: Float32Array | null;
  readonly reflection: Float32Array | null;
  readonly innerTranslation: Float32Array | null;
  readonly context: Float32Array | null;
  readonly diagonal: Float32Array | null;
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
      out.relation,
      out.rotation,
      out.reflection,
      out.innerTranslation,
      out.context,
      out.diagonal,
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
  const { encoder, dim } = tables;
  const id = encoderId(kernel, encoder);
  const { multiple } = encoderShapes[encoder];
  if (dim % multiple !== 0) {
    throw new MuldeError(
      "KERNELS_BAD_SHAPE",
      `${encoder} takes coordinates by ${multiple === 2 ? "twos" : "fours"}: ${dim} must be a multiple of ${multiple}.`,
      { path: [kernel, "tables", "dim"], value: dim },
    );
  }
  return [
    id,
    batch,
    dim,
    tables.entity,
    tables.relation,
    tables.rotation,
    tables.reflection,
    tables.innerTranslation,
    tables.context,
    tables.diagonal,
    heads,
    relations,
    curvature,
  ];
}
