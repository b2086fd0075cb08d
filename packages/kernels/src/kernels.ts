import { checkParts } from "./_fault.js";
import { UpdateKernels } from "./updates.js";

/**
 * The fused kernels, over typed arrays. Each base class has the kernels of one subject: queries and points, candidates, all entities, losses,
 * updates. `native/` has the formulas and the numerics.
 *
 * Calls are synchronous, and results do not depend on the number of threads. Every call checks all its arguments first and never touches memory
 * outside its arrays.
 *
 * @throws MuldeError KERNELS_BAD_ARGUMENT for anything but the right typed array or number; KERNELS_BAD_SHAPE for a size out of range;
 * KERNELS_BAD_LENGTH for an array too short for the sizes given; KERNELS_BAD_ID for an id or offset out of range; KERNELS_BAD_ORDER for ids
 * or offsets that must ascend and do not; KERNELS_FREED for an array that was freed. `path` names the kernel, the argument and the
 * position, `value` the value there.
 */
export class Kernels extends UpdateKernels {
  /**
   * Samples candidates: B x (1 + negatives) `ids`, each row the target followed by entities drawn uniformly from 0 to N - 1. Draws are numbered: a
   * call uses B x negatives of them from `counter` on. Rows are `stride` values apart (1 + negatives by default); values between them do
   * not change.
   */
  sampleCandidates(
    options: {
      readonly batch: number;
      readonly negatives: number;
      readonly entities: number;
      readonly seed: number;
      readonly counter: number;
      readonly stride?: number;
    },
    targets: Int32Array,
    ids: Int32Array,
  ): void {
    checkParts("sampleCandidates", { options });
    const { batch, negatives, entities, seed, counter, stride = 1 + negatives } = options;
    this.engine.call("sampleCandidates", [batch, negatives, stride, entities, seed, counter, targets, ids]);
  }

  /**
   * For benchmarks: runs independent fused multiply-adds and nothing else on each of `threads`, the most the instruction set can do. Returns the
   * number of floating-point operations and the sum of the results: 1 + i / 2^iterations in each lane of sum i = 1, 2, ...
   */
  peak(threads: number, iterations: number): { readonly operations: number; readonly sum: number } {
    const out = new Float64Array(512);
    this.engine.call("peak", [threads, iterations, out]);
    const add = (column: number): number => out.reduce((sum, value, i) => (i % 2 === column ? sum + value : sum), 0);
    return { operations: add(1), sum: add(0) };
  }
}
