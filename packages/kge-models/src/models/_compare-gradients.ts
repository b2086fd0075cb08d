import { Random } from "@mulde/kernels";
import { encodeTrial, type Leaf, pick, type Trial, trialGradients } from "./_trial.js";
import type { Tf } from "../tensors.js";

/** One value of a gradient beside the finite difference. */
export interface Comparison {
  readonly leaf: Leaf;
  readonly row: number;
  readonly column: number;
  /** by TensorFlow.js */
  readonly gradient: number;
  /** by finite differences */
  readonly slope: number;
  /** their difference as a part of the row's largest slope; undefined beside a kink, where there is no derivative */
  readonly error: number | undefined;
}

/** Entries compared of a row, and of a row that all relations share: all of small tables, a random choice of wide ones. */
const ENTRIES = 64;
const SHARED_ENTRIES = 24;

/**
 * Steps of the differences, in units of the root mean square of the row: a large one for a formula of the fourth order, since float32 has 7
 * digits only, and a small one for a second look, which a kink in between spoils less often.
 */
const STEP = 0.03;
const SECOND_STEP = 0.004;

/** Smaller slopes than this, times the row's length and as a part of the loss, are not expected to be exact: rounding covers them. */
const ROUNDING = 0.1;

type Row = readonly [which: number, row: number, columns: readonly number[]];

/** TensorFlow.js's gradients beside finite differences, for entries of every leaf of a trial. */
export function* compareGradients(tf: Tf, trial: Trial, seed: number, tolerance: number): Generator<Comparison> {
  const { dim, size, leaves } = trial;
  const random = new Random(seed + 1000);
  const weights = Float32Array.from({ length: size * dim }, () => random.normal());
  const gradients = trialGradients(tf, trial, weights);
  const points = encodeTrial(tf, trial);
  /** The length of a query's point times that of its weights: what its loss would be if no terms cancelled. */
  const levels = Array.from({ length: size }, (_, b) => norm(rowOf(points, b, dim)) * norm(rowOf(weights, b, dim)));
  for (const [which, leaf] of leaves.entries()) {
    const { width, data, rows } = leaf;
    const columns = choose(random, width, rows === size ? ENTRIES : SHARED_ENTRIES);
    for (let row = 0; row < rows; row++) {
      const gradient = rowOf(gradients[which]!, row, width);
      const length = norm(rowOf(data, row, width));
      const unit = length / Math.sqrt(width);
      const first = lossesAt(tf, trial, weights, [which, row, columns], [-2, -1, 1, 2], STEP * unit);
      const slopes = first.map(([a, b, c, d]) => (8 * (c! - b!) - (d! - a!)) / (12 * STEP * unit));
      const level = rows === size ? levels[row]! : Math.max(...levels);
      const scale = Math.max(...slopes.map(Math.abs), (ROUNDING * level) / length, Number.MIN_VALUE);
      for (const [i, column] of columns.entries()) {
        const here = { leaf, row, column, gradient: gradient[column]! };
        const error = Math.abs(here.gradient - slopes[i]!) / scale;
        if (error <= tolerance) {
          yield { ...here, slope: slopes[i]!, error };
          continue;
        }
        const step = SECOND_STEP * unit;
        const [[a, b, c]] = lossesAt(tf, trial, weights, [which, row, [column]], [-1, 0, 1], step) as [number[]];
        const slope = (c! - a!) / (2 * step);
        const again = Math.abs(here.gradient - slope) / scale;
        // Where the slopes on both sides differ as much as the gradient differs from their mean, there is a kink.
        const kink = Math.abs(c! - 2 * b! + a!) / step / scale;
        yield { ...here, slope, error: again > tolerance && kink >= again ? undefined : again };
      }
    }
  }
}

/** For each column of a row, the weighted sum of the points with that value moved by so many steps. */
function lossesAt(
  tf: Tf,
  trial: Trial,
  weights: Float32Array,
  [which, row, columns]: Row,
  moves: readonly number[],
  step: number,
): number[][] {
  const { dim, size, leaves } = trial;
  const { width, rows } = leaves[which]!;
  // In float64: the sum must not lose what the points know.
  const loss = (points: Float32Array, at: number, query: number): number => {
    let sum = 0;
    for (let k = 0; k < dim; k++) sum += points[at * dim + k]! * weights[query * dim + k]!;
    return sum;
  };
  if (rows !== size) {
    const everyone = Array.from({ length: size }, (_, b) => b);
    return columns.map((column) =>
      moves.map((move) => {
        const moved = pick(trial, everyone);
        moved.leaves[which]!.data[column]! += move * step;
        const points = encodeTrial(tf, moved);
        return everyone.reduce((sum, b) => sum + loss(points, b, b), 0);
      }),
    );
  }
  // Queries do not depend on each other: one batch holds the query with every entry moved by every step.
  const n = moves.length;
  const moved = pick(trial, Array<number>(columns.length * n).fill(row));
  columns.forEach((column, i) => {
    moves.forEach((move, m) => (moved.leaves[which]!.data[(i * n + m) * width + column]! += move * step));
  });
  const points = encodeTrial(tf, moved);
  return columns.map((_, i) => moves.map((__, m) => loss(points, i * n + m, row)));
}

function rowOf(values: Float32Array, row: number, width: number): Float32Array {
  return values.subarray(row * width, (row + 1) * width);
}

function norm(x: Float32Array): number {
  return Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
}

/** Up to `count` different ones of 0..n-1. */
function choose(random: Random, n: number, count: number): number[] {
  if (n <= count) return Array.from({ length: n }, (_, i) => i);
  const chosen = new Set<number>();
  while (chosen.size < count) chosen.add(Math.floor(random.uniform() * n));
  return [...chosen];
}
