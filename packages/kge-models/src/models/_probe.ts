import { Random } from "@mulde/kernels";
import { called, encodeTrial, pick, randomTrial, refuse, type Trial, trialGradients } from "./_trial.js";
import type { ModelDefinition } from "./definition.js";
import type { Tf } from "../tensors.js";

/** Lengths of the vectors tried: an initial value, usual ones, and for the ball one that reaches its boundary. */
const LENGTHS = [1e-3, 0.3, 1];
const LENGTHS_IN_TANGENT_SPACE = [1e-3, 1, 10];

/** Random encoders may give the same once. */
const REPEATS = 3;

const CURVATURES = [0.1, 1.3, 4];

/** sqrt(c)|q| of a point that `project` leaves, with room for the rounding of its norm. */
const BALL_LIMIT = 1 - 1e-5 + 2e-6;

/**
 * How much two ways of computing the same point may differ, relative to the point: TensorFlow.js adds up in another order for another
 * batch size, and near the boundary of the ball Mobius addition enlarges that.
 */
const SAME = 1e-3;

/**
 * Runs an encoder on a few random queries of one dimension and checks what comes out: shape and dtype, finite values and gradients, points
 * inside the ball, each query's point independent of the others' and the same each time, every table read.
 *
 * @throws MuldeError MODELS_DEFINITION, its path naming the table at fault or `encode`
 */
export function probe(tf: Tf, definition: ModelDefinition, dim: number, seed = 1): void {
  const hyperbolic = definition.similarity === "hyperbolic";
  // As many queries as coordinates would let a transposed result pass.
  const size = dim === 3 ? 4 : 3;
  const lengths = hyperbolic ? LENGTHS_IN_TANGENT_SPACE : LENGTHS;
  const trial = randomTrial(definition, dim, size, { seed, lengths, curvatures: CURVATURES });
  const read = new Set<string>();
  const points = encodeTrial(tf, trial, read);
  for (const leaf of trial.leaves) {
    if (!Object.hasOwn(definition.tables, leaf.name) || read.has(leaf.name)) continue;
    throw refuse(trial, leaf.name, `never reads ${called(leaf)}; read it, or take it out of tables.`);
  }
  checkPoints(trial, points);
  const rows = (values: Float32Array): Float32Array[] =>
    Array.from({ length: values.length / dim }, (_, b) => values.subarray(b * dim, (b + 1) * dim));
  const expected = rows(points);
  for (let again = 0; again < REPEATS; again++) {
    if (!rows(encodeTrial(tf, trial)).some((point, b) => differ(point, expected[b]!))) continue;
    throw refuse(trial, undefined, "gives other points when the same queries come again; leave out what is random.");
  }
  for (const [b, point] of expected.entries()) {
    if (!differ(point, encodeTrial(tf, pick(trial, [b])))) continue;
    throw refuse(
      trial,
      undefined,
      "gives a query another point when other queries stand beside it; compute each row from the same row of the inputs.",
    );
  }
  const random = new Random(seed + 1);
  const weights = Float32Array.from({ length: size * dim }, () => random.normal());
  trialGradients(tf, trial, weights).forEach((gradient, i) => {
    const at = gradient.findIndex((x) => !Number.isFinite(x));
    if (at < 0) return;
    const leaf = trial.leaves[i]!;
    const entry = `row ${Math.floor(at / leaf.width)}, column ${at % leaf.width}`;
    throw refuse(
      trial,
      leaf.name,
      `has a gradient of ${gradient[at]} by ${called(leaf)}, ${entry}; it must be finite.`,
    );
  });
}

function checkPoints(trial: Trial, points: Float32Array): void {
  const { dim, size, definition, leaves } = trial;
  const row = (values: Float32Array, b: number): Float32Array => values.subarray(b * dim, (b + 1) * dim);
  const odd = points.findIndex((x) => !Number.isFinite(x));
  if (odd >= 0) {
    const length = norm(row(leaves[0]!.data, Math.floor(odd / dim))).toPrecision(2);
    throw refuse(trial, undefined, `gives ${points[odd]} for a head of length ${length}; coordinates must be finite.`);
  }
  if (definition.similarity !== "hyperbolic") return;
  for (let b = 0; b < size; b++) {
    const radius = Math.sqrt(leaves.at(-1)!.data[b]!) * norm(row(points, b));
    if (radius <= BALL_LIMIT) continue;
    throw refuse(
      trial,
      undefined,
      `gives a point q outside the ball: sqrt(c)|q| is ${radius.toPrecision(6)}, but at most 1 - 1e-5 is allowed; map vectors by expmap0, or pull points back by project.`,
    );
  }
}

function differ(a: Float32Array, b: Float32Array): boolean {
  const difference = Math.sqrt(a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0));
  return !(difference <= SAME * Math.max(norm(a), norm(b)));
}

function norm(x: Float32Array): number {
  return Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
}
