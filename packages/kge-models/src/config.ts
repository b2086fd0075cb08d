import { MuldeError } from "@mulde/errors";
import { maxDim } from "@mulde/kernels";
import { modelDefinition } from "./models/registry.js";

/** What decides a model's shape. Every value is kept in a saved model's `config.json`. */
export interface ModelConfig {
  /** Name of a built-in scoring function, or of one given to `defineModel`. */
  readonly model: string;
  readonly dim: number;
  /** N */
  readonly entities: number;
  /** R, without reciprocals; relation tables have 2R rows, or one that all share. */
  readonly relations: number;
  /** Hyperbolic models: one learned c for the model, as in MulDE, or one per relation, as in KGEmb. */
  readonly curvature: "shared" | "relation";
}

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
