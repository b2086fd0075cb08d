import type { QueryBatch } from "@mulde/kernels";

/**
 * A layer between the encoder and the similarity while training, such as dropout. It may change a batch's points in place (`q`, and with
 * it `square` = |q|^2 and for the ball `alpha` = 1 / (1 - |q|^2)), and the gradient on the way back.
 */
export interface QueryLayer {
  /** `queries.size` points of `rowStride(dim)` values each, padded with zeros that must stay zero */
  forward(queries: QueryBatch): void;
  /** @param dq dL/dq of the points that `forward` returned; overwrite it with dL/dq of the points that it received */
  backward(queries: QueryBatch, dq: Float32Array): void;
}
