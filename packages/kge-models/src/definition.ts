import type { Tensor2D } from "@tensorflow/tfjs-core";
import { attE } from "./atte.js";
import { attH } from "./atth.js";
import { complEx } from "./complex.js";
import { cp } from "./cp.js";
import { distE } from "./diste.js";
import { distH } from "./disth.js";
import { distMult } from "./distmult.js";
import { MuldeError } from "@mulde/errors";
import type { EncoderInputs } from "./inputs.js";
import { muRE } from "./mure.js";
import { muRP } from "./murp.js";
import { quatE } from "./quate.js";
import { refE } from "./refe.js";
import { refH } from "./refh.js";
import { rot2L } from "./rot2l.js";
import { rotatE } from "./rotate.js";
import { rotE } from "./rote.js";
import { rotH } from "./roth.js";
import { rotL } from "./rotl.js";
import { simplE } from "./simple.js";
import { SIMILARITIES, type Similarity } from "./similarity.js";
import type { Tf } from "./tf.js";
import { transE } from "./transe.js";
import { transH } from "./transh.js";
import { tuckER } from "./tucker.js";

/** One table of relation parameters: 2R x width, a row for each relation and for its reciprocal, or 1 x width. */
export interface RelationTable {
  /** `one` is a single row that all relations share; by default each has its own. */
  readonly rows?: "one";
  /** The width of a row in a model of dimension `dim`. */
  readonly width: (dim: number) => number;
  /** Initial values: `normal` is the definition's `initialScale` times N(0, 1), `uniform` is U(-1, 1). */
  readonly init: "normal" | "uniform";
}

/** A scoring function: score(h, r, t) = similarity(encode(h, r), t) + headBias(h) + tailBias(t). */
export interface ModelDefinition {
  /** The name that models are created, saved and loaded by. */
  readonly name: string;
  readonly similarity: Similarity;
  /** How many coordinates make one number: 2 for complex ones, 4 for quaternions, 1 unless given. Cubic norms go by their moduli. */
  readonly components?: 1 | 2 | 4;
  /** What the dimension must be a multiple of: 2 where coordinates are paired, as by rotations, 4 for quaternions, else 1. */
  readonly dimMultiple: 1 | 2 | 4;
  /** The largest dimension, if it is less than that of the kernels (1024), for tables that grow faster than it. */
  readonly maxDim?: number;
  /**
   * Standard deviation of the initial entities and `normal` tables, 1e-3 unless given. Scores that are products of parameters
   * (similarity `dot`) need a greater one: their gradients vanish at the origin.
   */
  readonly initialScale?: number;
  /** The relation tables by name. */
  readonly tables: Readonly<Record<string, RelationTable>>;
  /**
   * The query embeddings of a batch, B x d: points of the ball of curvature -c for hyperbolic models. Made of
   * TensorFlow.js ops that have gradients, run within `tf.tidy` or `tf.grads`.
   */
  readonly encode: (tf: Tf, inputs: EncoderInputs) => Tensor2D;
  /** The name of the encoder's fused kernel, which need not be the model's: the similarity is apart. Built-in models only. */
  readonly fused?: string;
}

const builtIns: readonly ModelDefinition[] = [
  transE,
  distE,
  rotE,
  refE,
  attE,
  transH,
  distH,
  rotH,
  refH,
  attH,
  distMult,
  complEx,
  cp,
  simplE,
  muRE,
  rotatE,
  quatE,
  muRP,
  tuckER,
  rotL,
  rot2L,
];
const registry = new Map(builtIns.map((definition) => [definition.name, definition]));

/** Names go into config.json and onto command lines. */
const NAME = /^[A-Za-z][A-Za-z0-9_.-]*$/;

/**
 * Registers a scoring function of your own under its name, so that saved models of it load again. Defining a name of yours
 * anew replaces it.
 *
 * @returns The definition as it is registered.
 * @throws MuldeError MODELS_DEFINITION if a field is missing or wrong; MODELS_NAME_TAKEN if the name is a built-in's.
 */
export function defineModel(definition: ModelDefinition): ModelDefinition {
  const { name, similarity, dimMultiple, maxDim, initialScale, tables, encode, fused } = definition;
  if (typeof name !== "string" || !NAME.test(name)) {
    throw malformed(
      `The name of a model must be a letter followed by letters, digits, "_", "." or "-"; got "${name}".`,
    );
  }
  if (builtIns.some((builtIn) => builtIn.name.toLowerCase() === name.toLowerCase())) {
    throw new MuldeError("MODELS_NAME_TAKEN", `"${name}" is a built-in model; give yours another name.`);
  }
  if (!SIMILARITIES.includes(similarity)) {
    throw malformed(
      `The similarity of ${name} must be one of ${SIMILARITIES.join(", ")}; got "${String(similarity)}".`,
    );
  }
  if (![1, 2, 4].includes(dimMultiple)) {
    throw malformed(`dimMultiple of ${name} must be 1, 2 or 4; got ${String(dimMultiple)}.`);
  }
  if (maxDim !== undefined && !(Number.isInteger(maxDim) && maxDim >= 1)) {
    throw malformed(`maxDim of ${name} must be a whole number from 1, or left out; got ${String(maxDim)}.`);
  }
  if (initialScale !== undefined && !(initialScale > 0 && Number.isFinite(initialScale))) {
    throw malformed(`initialScale of ${name} must be a positive number, or left out; got ${String(initialScale)}.`);
  }
  if (typeof encode !== "function") throw malformed(`encode of ${name} must be a function (tf, inputs) => tensor.`);
  if (fused !== undefined)
    throw malformed(`${name} names a fused kernel, which only built-in models have; leave it out.`);
  if (typeof tables !== "object" || tables === null) throw malformed(`tables of ${name} must be an object.`);
  for (const [table, { rows, width, init }] of Object.entries(tables)) {
    if (!NAME.test(table)) throw malformed(`The table "${table}" of ${name} must have a name of letters and digits.`);
    if (rows !== undefined && rows !== "one") {
      throw malformed(`rows of the table "${table}" of ${name} must be "one", or left out; got "${String(rows)}".`);
    }
    if (typeof width !== "function")
      throw malformed(`width of the table "${table}" of ${name} must be a function of dim.`);
    if (init !== "normal" && init !== "uniform") {
      throw malformed(`init of the table "${table}" of ${name} must be "normal" or "uniform"; got "${String(init)}".`);
    }
  }
  const { components = 1 } = definition;
  if (![1, 2, 4].includes(components)) throw malformed(`components of ${name} must be 1, 2 or 4; got ${components}.`);
  const registered = Object.freeze({
    name,
    similarity,
    dimMultiple,
    components,
    ...(maxDim !== undefined && { maxDim }),
    ...(initialScale !== undefined && { initialScale }),
    tables: Object.freeze({ ...tables }),
    encode,
  });
  registry.set(name, registered);
  return registered;
}

/**
 * The definition of a built-in model, or of one that `defineModel` registered.
 *
 * @throws MuldeError MODELS_UNKNOWN_MODEL, listing the known names.
 */
export function modelDefinition(name: string): ModelDefinition {
  const definition = registry.get(name);
  if (definition) return definition;
  throw new MuldeError(
    "MODELS_UNKNOWN_MODEL",
    `There is no model "${name}"; known are ${modelNames().join(", ")} (register your own with defineModel first).`,
  );
}

/** The names of all models, built-ins first. */
export function modelNames(): string[] {
  return [...registry.keys()];
}

function malformed(message: string): MuldeError {
  return new MuldeError("MODELS_DEFINITION", message);
}
