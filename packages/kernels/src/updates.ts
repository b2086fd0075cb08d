import { checkParts } from "./_fault.js";
import type { KernelArgument } from "./engine.js";
import { LossKernels } from "./losses.js";

/** A parameter table and its gradient, for an optimizer. */
export interface Update {
  /** the rows of the table */
  readonly rows: number;
  readonly dim: number;
  /** the rows of the gradient, ascending; null stands for all */
  readonly ids: Int32Array | null;
  /** how many of `ids` to use; `rows` without ids */
  readonly count: number;
  /** whether rows without a gradient stay as they are; otherwise momentum still moves them */
  readonly sparse: boolean;
  /** count x dim, or rows x dim without ids */
  readonly gradient: Float32Array;
  readonly parameters: Float32Array;
}

/** The optimizers, and other kernels that change rows of tables. */
export class UpdateKernels extends LossKernels {
  readonly #notFinite = new Int32Array(1);

  /**
   * Adam (Kingma & Ba 2015) with decoupled weight decay (Loshchilov & Hutter 2019); `step` counts from 1.
   *
   * @returns whether all squared gradients are finite; if not, the table is spoilt
   */
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
  ): boolean {
    checkParts("adam", { update, state, options });
    const { learningRate, beta1, beta2, epsilon, step, weightDecay } = options;
    const moments = [state.first, state.second];
    const rates = [learningRate, beta1, beta2, epsilon, step, weightDecay];
    this.engine.call("adam", [...updateArguments(update), ...moments, ...rates, this.#notFinite]);
    return this.#notFinite[0] === 0;
  }

  /** Adagrad (Duchi et al. 2011) with decoupled weight decay. Returns the same as `adam`. */
  adagrad(
    update: Update,
    state: { readonly sum: Float32Array },
    options: { readonly learningRate: number; readonly epsilon: number; readonly weightDecay: number },
  ): boolean {
    checkParts("adagrad", { update, state, options });
    const { learningRate, epsilon, weightDecay } = options;
    const rates = [learningRate, epsilon, weightDecay];
    this.engine.call("adagrad", [...updateArguments(update), state.sum, ...rates, this.#notFinite]);
    return this.#notFinite[0] === 0;
  }

  /** table[ids[b]] += source[b] for the B rows of a batch, in order. */
  addRows(batch: number, dim: number, ids: Int32Array, source: Float32Array, table: Float32Array): void {
    this.engine.call("addRows", [batch, dim, ids, source, table]);
  }
}

function updateArguments({ rows, dim, ids, count, sparse, gradient, parameters }: Update): KernelArgument[] {
  return [rows, dim, ids, count, sparse ? 1 : 0, gradient, parameters];
}
