import { MuldeError } from "@mulde/errors";
import { maxDim as largestDim } from "@mulde/kernels";
import { loadTf } from "../tf.js";
import { checkDefinition } from "./_check-definition.js";
import type { ModelDefinition } from "./definition.js";

/** What `checkModel` tries. */
export interface CheckModelOptions {
  /** dimensions of the models tried: 2, 4 and 5 times `dimMultiple` unless given */
  readonly dims?: readonly number[];
  /** hyperbolic models: the curvatures c tried, [0.1, 1, 4] unless given */
  readonly curvatures?: readonly number[];
  /** seeds of the random inputs, [1, 2, 3] unless given */
  readonly seeds?: readonly number[];
  /**
   * How much a gradient may differ from the finite difference, as a part of the largest one of the same row; 0.02 unless given. Both are
   * made of float32 values, whose differences are known to about 1 %.
   */
  readonly tolerance?: number;
}

/** What `checkModel` tried and found, where nothing was wrong. */
export interface ModelReport {
  /** the definition's name */
  readonly name: string;
  readonly dims: readonly number[];
  /** empty unless the model is hyperbolic */
  readonly curvatures: readonly number[];
  readonly seeds: readonly number[];
  /** how many values of gradients were compared */
  readonly compared: number;
  /** how many were left out: the function has a kink there, and so no derivative */
  readonly skipped: number;
  /** the largest difference, as a part of the largest gradient of the same row */
  readonly worst: number;
}

/**
 * Tests a definition of your own: its fields as `defineModel` does, the results of `encode` as `createModel` does, and its gradients
 * against central finite differences, over random inputs of several dimensions, curvatures and seeds. Registers nothing.
 *
 * @throws MuldeError MODELS_DEFINITION for the first fault, its path leading to the field, to the table or to `encode`;
 *   MODELS_CONFIG if `options.dims` has a dimension that the definition does not allow
 */
export async function checkModel(definition: ModelDefinition, options: CheckModelOptions = {}): Promise<ModelReport> {
  checkDefinition(definition);
  const { name, dimMultiple, maxDim = largestDim, similarity } = definition;
  const { dims = usualDims(dimMultiple, maxDim), seeds = [1, 2, 3], tolerance = 0.02 } = options;
  const odd = dims.find((dim) => !(Number.isInteger(dim) && dim >= 1 && dim <= maxDim && dim % dimMultiple === 0));
  if (odd !== undefined) {
    const rule = `whole numbers from ${dimMultiple} to ${maxDim}${dimMultiple > 1 ? `, multiples of ${dimMultiple}` : ""}`;
    throw new MuldeError("MODELS_CONFIG", `must be ${rule}, but one is ${odd}.`, { path: ["dims"], value: odd });
  }
  const curvatures = similarity === "hyperbolic" ? (options.curvatures ?? [0.1, 1, 4]) : [];
  // Apart, so that a page which asks a model does not load it.
  const { checkEncoder } = await import("./_check-encoder.js");
  const found = checkEncoder(await loadTf(), definition, { dims, curvatures, seeds, tolerance });
  return { name, dims, curvatures, seeds, ...found };
}

function usualDims(multiple: number, most: number): number[] {
  const usual = [2, 4, 5].map((factor) => factor * multiple).filter((dim) => dim <= most);
  return usual.length > 0 ? usual : [most - (most % multiple)];
}
