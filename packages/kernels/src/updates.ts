import type { KernelArgument } from "./engine.js";
import { LossKernels } from "./losses.js";

/** An optimizer's view of a parameter table and its gradient. */
export interface Update {
  /** rows of the table */
  readonly rows: number;
  readonly dim: number;
  /** rows that the gradient holds, ascending, or null: all */
  readonly ids: Int32Array | null;
  /** how many of `ids` count */
  readonly count: number;
  /** leave the other rows alone instead of giving them a zero gradient */
  readonly sparse: boolean;
  /** count x dim, or rows x dim */
  readonly gradient: Float32Array;
  readonly parameters: Float32Array;
}

/** Rows of one matrix for `copyRows`. */
export interface StridedRows<A extends Float32Array | Int32Array> {
  readonly data: A;
  /** values from row to row */
  readonly stride: number;
  /** the column to start at */
  readonly column: number;
}

/** Kernels that change tables row by row. */
export class UpdateKernels extends LossKernels {
  /** Adam (Kingma & Ba 2015) with decoupled weight decay (Loshchilov & Hutter 2019); `step` counts from 1. */
  adam(
    update: Update,
    state: { readonly first: Float32Array; readonly second: Float32Array },
    options: {
      readonly learningRate: number;
      readonly beta1: number;
      readonly beta2: number;
      readonly epsilon: number;
      readonly step: number;
      readonly weightDecay: number;
    },
  ): void {
    const { learningRate, beta1, beta2, epsilon, step, weightDecay } = options;
    const moments = [state.first, state.second];
    const rates = [learningRate, beta1, beta2, epsilon, step, weightDecay];
    this.engine.call("adam", [...updateArguments(update), ...moments, ...rates]);
  }

  /** Adagrad (Duchi et al. 2011) with decoupled weight decay. */
  adagrad(
    update: Update,
    state: { readonly sum: Float32Array },
    options: { readonly learningRate: number; readonly epsilon: number; readonly weightDecay: number },
  ): void {
    const { learningRate, epsilon, weightDecay } = options;
    this.engine.call("adagrad", [...updateArguments(update), state.sum, learningRate, epsilon, weightDecay]);
  }

  /** table[ids[b]] += source[b] for the B rows of a batch, in its order. */
  addRows(batch: number, dim: number, ids: Int32Array, source: Float32Array, table: Float32Array): void {
    this.engine.call("addRows", [batch, dim, ids, source, table]);
  }

  /** Copies `rows` rows of `width` values between matrices of the same kind. */
  copyRows<A extends Float32Array | Int32Array>(
    rows: number,
    width: number,
    source: StridedRows<A>,
    target: StridedRows<A>,
  ): void {
    const from = [words(source.data), source.stride, source.column];
    this.engine.call("copyRows", [rows, width, ...from, words(target.data), target.stride, target.column]);
  }
}

/** Values of either kind as the kernel moves them. */
function words(array: Float32Array | Int32Array): Int32Array {
  return ArrayBuffer.isView(array) ? new Int32Array(array.buffer, array.byteOffset, array.length) : array;
}

function updateArguments({ rows, dim, ids, count, sparse, gradient, parameters }: Update): KernelArgument[] {
  return [rows, dim, ids, count, sparse ? 1 : 0, gradient, parameters];
}
