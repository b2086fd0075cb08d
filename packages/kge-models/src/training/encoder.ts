import type { QueryBatch } from "@mulde/kernels";

/** Gradients of a batch by the rows that its queries read. */
export interface QueryGradients {
  /** B x d */
  readonly head: Float32Array;
  /** B x width for each relation table, 1 x width for one whose row all relations share */
  readonly relation: ReadonlyMap<string, Float32Array>;
  /** B, by c, added to */
  readonly curvature: Float64Array;
}

/** Turns queries (h, r, ?) into points, and gradients by the points into gradients by the parameters. */
export interface Encoder {
  /** Fills `out.q`, `square`, `alpha`, `curvature` and `headBias` for the first `out.size` queries. */
  forward(heads: Int32Array, relations: Int32Array, out: QueryBatch): void;
  /** dq is B x stride, by the points as `forward` writes them. */
  backward(heads: Int32Array, relations: Int32Array, queries: QueryBatch, dq: Float32Array, out: QueryGradients): void;
}
