import { maxDim } from "@mulde/kernels";
import { modelDefinition } from "./definition.js";
import { MuldeError } from "@mulde/errors";
import type { ModelConfig } from "./model.js";

/**
 * Checks what decides a model's shape, as `createModel` does.
 *
 * @throws MuldeError MODELS_UNKNOWN_MODEL, or MODELS_CONFIG naming the field that is out of range
 */
export function checkConfig(config: ModelConfig): void {
  const definition = modelDefinition(config.model);
  const whole = (field: "dim" | "entities" | "relations", most: number): void => {
    const value = config[field];
    if (!(Number.isInteger(value) && value >= 1 && value <= most)) {
      const whose = field === "dim" ? ` for ${definition.name}` : "";
      throw new MuldeError(
        "MODELS_CONFIG",
        `${field} must be a whole number from 1 to ${most}${whose}, but is ${String(value)}.`,
      );
    }
  };
  whole("dim", Math.min(maxDim, definition.maxDim ?? maxDim));
  whole("entities", 2 ** 31 - 1);
  whole("relations", 2 ** 30 - 1);
  if (config.dim % definition.dimMultiple !== 0) {
    throw new MuldeError(
      "MODELS_CONFIG",
      definition.dimMultiple === 2
        ? `${definition.name} takes coordinates in pairs, so its dimension must be even, but is ${config.dim}.`
        : `${definition.name} takes coordinates by fours, so its dimension must be a multiple of 4, but is ${config.dim}.`,
    );
  }
  if (config.curvature !== "shared" && config.curvature !== "relation") {
    throw new MuldeError(
      "MODELS_CONFIG",
      `curvature must be "shared" or "relation", but is "${String(config.curvature)}".`,
    );
  }
}
