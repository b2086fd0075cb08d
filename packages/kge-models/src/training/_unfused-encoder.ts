import type { ModelState } from "../_model-state.js";
import { probe } from "../models/_probe.js";
import type { ModelDefinition } from "../models/definition.js";
import { isBuiltIn } from "../models/registry.js";
import { loadTf } from "../tf.js";
import { tfEncoder } from "./_tf-encoder.js";
import type { Encoder } from "./encoder.js";

/** The dimensions in which the encoder of a definition was found to work. */
const probed = new WeakMap<ModelDefinition, Set<number>>();

/**
 * What makes the encoder of a model without a fused kernel.
 *
 * @throws MuldeError MODELS_DEFINITION if the encoder of a definition of the user's does not work
 */
export async function unfusedEncoder(
  definition: ModelDefinition,
  dim: number,
): Promise<(model: ModelState) => Encoder> {
  const tf = await loadTf();
  const dims = probed.get(definition) ?? new Set();
  if (!isBuiltIn(definition) && !dims.has(dim)) {
    probe(tf, definition, dim);
    probed.set(definition, dims.add(dim));
  }
  return (model) => tfEncoder(tf, model);
}
