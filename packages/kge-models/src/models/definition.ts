import type { EncoderName } from "@mulde/kernels";
import type { Tensor2D } from "@tensorflow/tfjs-core";
import type { Tf } from "../tf.js";
import type { EncoderInputs } from "./inputs.js";
import type { Similarity } from "./similarity.js";

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
  readonly fused?: EncoderName;
}
