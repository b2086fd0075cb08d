import { MuldeError } from "@mulde/errors";
import { Random } from "@mulde/kernels";
import type { ModelDefinition } from "./definition.js";
import type { EncoderInputs } from "./inputs.js";
import type { Tensor, Tensor2D, Tf } from "../tensors.js";

/** One input of an encoder: `entity` is the head's rows, `curvature` c, and the others are relation tables. */
export interface Leaf {
  readonly name: string;
  /** rows x width: a row for each query, or one for all */
  readonly rows: number;
  readonly width: number;
  readonly data: Float32Array;
}

/** The inputs of a batch of B queries, on which a definition's encoder is tried out. */
export interface Trial {
  readonly definition: ModelDefinition;
  readonly dim: number;
  /** B */
  readonly size: number;
  readonly leaves: readonly Leaf[];
}

/**
 * Random inputs. Query b has vectors of about the length `lengths[b % n]`, divided by sqrt(c) where the model is hyperbolic, and the
 * curvature `curvatures[b % n]`; tables that start uniform have values from -1 to 1.
 */
export function randomTrial(
  definition: ModelDefinition,
  dim: number,
  size: number,
  given: { readonly seed: number; readonly lengths: readonly number[]; readonly curvatures: readonly number[] },
): Trial {
  const random = new Random(given.seed);
  const hyperbolic = definition.similarity === "hyperbolic";
  const c = Float32Array.from({ length: size }, (_, b) => given.curvatures[b % given.curvatures.length]!);
  const vectors = (name: string, rows: number, width: number, uniform: boolean): Leaf => {
    const data = new Float32Array(rows * width);
    for (let b = 0; b < rows; b++) {
      // Not quite the length: a single value of exactly 1 or -1 may be a special case.
      const exact = given.lengths[b % given.lengths.length]! / Math.sqrt(hyperbolic ? c[b]! : 1);
      const length = exact * (0.9 + 0.1 * random.uniform());
      const row = Float64Array.from({ length: width }, () => (uniform ? 2 * random.uniform() - 1 : random.normal()));
      const scale = uniform ? 1 : length / Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
      data.set(
        row.map((x) => scale * x),
        b * width,
      );
    }
    return { name, rows, width, data };
  };
  const leaves = [vectors("entity", size, dim, false)];
  for (const [name, { rows, width, init }] of Object.entries(definition.tables)) {
    leaves.push(vectors(name, rows === "one" ? 1 : size, width(dim), init === "uniform"));
  }
  if (hyperbolic) leaves.push({ name: "curvature", rows: size, width: 1, data: c });
  return { definition, dim, size, leaves };
}

/** The trial of some of the queries, in the order given; one may come several times. */
export function pick(trial: Trial, queries: readonly number[]): Trial {
  const leaves = trial.leaves.map((leaf): Leaf => {
    if (leaf.rows !== trial.size) return { ...leaf, data: leaf.data.slice() };
    const { width } = leaf;
    const data = new Float32Array(queries.length * width);
    queries.forEach((b, i) => data.set(leaf.data.subarray(b * width, (b + 1) * width), i * width));
    return { ...leaf, rows: queries.length, data };
  });
  return { ...trial, size: queries.length, leaves };
}

/**
 * The points of the queries, B x d, of whatever value.
 *
 * @param read gets the names of the tables that the encoder reads
 * @throws MuldeError MODELS_DEFINITION if `encode` throws, or gives anything but a float32 tensor of the shape [B, d]
 */
export function encodeTrial(tf: Tf, trial: Trial, read?: Set<string>): Float32Array {
  let values = new Float32Array();
  tf.tidy(() => {
    values = Float32Array.from(checkedEncode(tf, trial, tensorsOf(tf, trial), read).dataSync());
  });
  return values;
}

/**
 * Gradients by the leaves of the sum of all points' coordinates, each times its weight.
 *
 * @param weights B x d
 * @throws MuldeError MODELS_DEFINITION naming the first input by which TensorFlow.js has no gradient
 */
export function trialGradients(tf: Tf, trial: Trial, weights: Float32Array): Float32Array[] {
  const by = (wanted: readonly number[]): Float32Array[] => {
    const read: Float32Array[] = [];
    tf.tidy(() => {
      const all = tensorsOf(tf, trial);
      const direction = tf.tensor2d(weights, [trial.size, trial.dim]);
      const loss = (...moving: Tensor[]): Tensor => {
        const inputs = [...all];
        wanted.forEach((i, at) => (inputs[i] = moving[at] as Tensor2D));
        const sum = tf.sum(tf.mul(checkedEncode(tf, trial, inputs), direction));
        if (trial.definition.similarity !== "hyperbolic") return sum;
        // The similarity depends on c as well, so that an encoder need not.
        return tf.add(sum, tf.mul(tf.sum(inputs.at(-1)!), 0));
      };
      const gradients = tf.grads(loss)(wanted.map((i) => all[i]!));
      for (const gradient of gradients) read.push(Float32Array.from(gradient.dataSync()));
    });
    return read;
  };
  const everything = trial.leaves.map((_, i) => i);
  try {
    return by(everything);
  } catch (error) {
    if (error instanceof MuldeError) throw error;
    for (const i of everything) {
      try {
        by([i]);
      } catch (cause) {
        const leaf = trial.leaves[i]!;
        throw refuse(
          trial,
          leaf.name,
          `has no gradient by ${called(leaf)}: ${quote(cause)} Use TensorFlow.js ops that have gradients, from this input to the result.`,
          cause,
        );
      }
    }
    throw refuse(trial, undefined, `has no gradients: ${quote(error)}`, error);
  }
}

/** How an error calls an input. */
export function called({ name }: Leaf): string {
  if (name === "entity") return "the head";
  return name === "curvature" ? "the curvature" : `the table ${name}`;
}

/** An error whose path leads to the table that is at fault, or to `encode`. */
export function refuse({ definition }: Trial, table: string | undefined, reason: string, cause?: unknown): MuldeError {
  const known = table !== undefined && Object.hasOwn(definition.tables, table);
  const path = known ? [definition.name, "tables", table] : [definition.name, "encode"];
  return new MuldeError("MODELS_DEFINITION", `encode ${reason}`, { path, cause });
}

function tensorsOf(tf: Tf, { leaves }: Trial): Tensor2D[] {
  return leaves.map(({ rows, width, data }) => tf.tensor2d(data, [rows, width]));
}

function checkedEncode(tf: Tf, trial: Trial, tensors: readonly Tensor2D[], read?: Set<string>): Tensor {
  const { definition, dim, size, leaves } = trial;
  const relation: Record<string, Tensor2D> = {};
  leaves.forEach(({ name }, i) => {
    if (name === "entity" || name === "curvature") return;
    const get = (): Tensor2D => {
      read?.add(name);
      return tensors[i]!;
    };
    Object.defineProperty(relation, name, { enumerable: true, get });
  });
  const hyperbolic = definition.similarity === "hyperbolic";
  const inputs: EncoderInputs = { head: tensors[0]!, relation, curvature: hyperbolic ? tensors.at(-1) : undefined };
  const batch = `${size} ${size === 1 ? "query" : "queries"} of dimension ${dim}`;
  let result: unknown;
  try {
    result = definition.encode(tf, inputs);
  } catch (cause) {
    // Errors of relationRows and queryCurvature say enough.
    if (cause instanceof MuldeError) throw cause.at({ path: [definition.name, "encode"] });
    throw refuse(trial, undefined, `fails for ${batch}: ${quote(cause)}`, cause);
  }
  const due = `must return a float32 tensor of the shape [${size}, ${dim}] for ${batch}`;
  if (result instanceof Promise) throw refuse(trial, undefined, `${due}, but returns a Promise; make it synchronous.`);
  if (!isTensor(result)) throw refuse(trial, undefined, `${due}, but returns no tensor.`);
  const { shape, dtype } = result;
  if (shape.length !== 2 || shape[0] !== size || shape[1] !== dim) {
    throw refuse(trial, undefined, `${due}, but returns the shape [${shape.join(", ")}].`);
  }
  if (dtype !== "float32") throw refuse(trial, undefined, `${due}, but returns the dtype ${dtype}.`);
  return result;
}

/** As tfjs tells it, for several copies of tfjs may be loaded. */
function isTensor(value: unknown): value is Tensor {
  return typeof value === "object" && value !== null && "dataId" in value && "shape" in value && "dtype" in value;
}

/** The first line of a foreign error, as a sentence. */
function quote(error: unknown): string {
  const line = (error instanceof Error ? error.message : String(error)).split("\n", 1)[0]!.trim();
  return /[.!?]$/.test(line) ? line : `${line}.`;
}
