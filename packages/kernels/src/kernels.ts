import { UpdateKernels } from "./updates.js";

/**
 * The compute core: fused kernels over typed arrays. Formulas and numerics stand in `native/`. The kernels of each subject are a class of
 * their own: queries and points, candidates, all entities, losses, updates; this one has the rest.
 *
 * All calls are synchronous; results do not depend on the number of threads. Every call checks its arguments before it touches anything.
 *
 * @throws MuldeError KERNELS_BAD_LENGTH when an array is too short for the shapes given, KERNELS_BAD_SHAPE when a shape is out of range,
 * KERNELS_BAD_ID when an id or an offset is, KERNELS_BAD_ORDER when ids or offsets do not ascend as they must, KERNELS_BAD_ARGUMENT when
 * something else is passed than the typed array or number that belongs there; `path` and `value` say where and what
 */
export class Kernels extends UpdateKernels {
  /**
   * Candidates (B x (1 + negatives)): the target, then entities drawn uniformly from 0..N-1. Draws are numbered: `counter` says where
   * to start, and a call uses B x negatives of them. Rows of `ids` are `stride` values apart (by default 1 + negatives); the values between them
   * stay as they are.
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
    const { batch, negatives, entities, seed, counter, stride = 1 + negatives } = options;
    this.engine.call("sampleCandidates", [batch, negatives, stride, entities, seed, counter, targets, ids]);
  }

  /**
   * For benchmarks: independent fused multiply-adds and nothing else, the most that the instruction set can do, on each of `threads`. Returns
   * the floating-point operations done and the sum of the results, of which each lane is 1 + i / 2^iterations for sum i = 1, 2, ...
   */
  peak(threads: number, iterations: number): { readonly operations: number; readonly sum: number } {
    const out = new Float64Array(512);
    this.engine.call("peak", [threads, iterations, out]);
    const add = (column: number): number => out.reduce((sum, value, i) => (i % 2 === column ? sum + value : sum), 0);
    return { operations: add(1), sum: add(0) };
  }
}
