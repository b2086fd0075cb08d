import type { EncoderName } from "@mulde/kernels";
import type { EncoderInputs } from "./inputs.js";
import type { Similarity } from "./similarity.js";
import type { Tensor, Tf } from "../tensors.js";

/** A table of relation parameters: 2R x width, a row for each relation and each reciprocal, or 1 x width. */
export interface RelationTable {
  /** `one`: all relations share a single row. By default each has its own. */
  readonly rows?: "one";
  /** The width of a row in a model of dimension `dim`, a whole number from 1. */
  readonly width: (dim: number) => number;
  /** Initial values: `normal` draws from `initialScale` times N(0, 1), `uniform` from U(-1, 1). */
  readonly init: "normal" | "uniform";
}

/** A method, so that an encoder may declare its parameters by the narrower types of TensorFlow.js itself. */
interface Encoding {
  encode(tf: Tf, inputs: EncoderInputs): Tensor;
}

/** A scoring function: score(h, r, t) = similarity(encode(h, r), t) + headBias(h) + tailBias(t). */
export interface ModelDefinition {
  /** The name under which models are created, saved and loaded. */
  readonly name: string;
  readonly similarity: Similarity;
  /** Coordinates of one number: 2 for complex numbers, 4 for quaternions, 1 unless given. Cubic norms use the moduli of numbers. */
  readonly components?: 1 | 2 | 4;
  /** The dimension must be a multiple of this: 2 if coordinates are paired, as by rotations, 4 for quaternions, else 1. */
  readonly dimMultiple: 1 | 2 | 4;
  /** The largest dimension, if it is below the kernels' 1024: for tables that grow faster than the dimension. */
  readonly maxDim?: number;
  /**
   * Standard deviation of the initial entities and `normal` tables, 1e-3 unless given. Give more (0.1) if scores are products of
   * parameters (similarity `dot`), whose gradients vanish at the origin.
   */
  readonly initialScale?: number;
  /** The relation tables by name. `entity`, `headBias`, `tailBias` and `curvature` are taken: every model has those. */
  readonly tables: Readonly<Record<string, RelationTable>>;
  /**
   * The query embeddings of a batch, B x d in float32; for hyperbolic models points of the ball of curvature -c, as `project` leaves them. Use
   * TensorFlow.js ops that have gradients; the function runs within `tf.tidy` or `tf.grads`. It must read every table, treat each query
   * by itself, and always give the same result.
   */
  readonly encode: Encoding["encode"];
  /** Built-in models: the encoder's fused kernel. Several models may share one, with different similarities. */
  readonly fused?: EncoderName;
}
