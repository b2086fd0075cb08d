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
 * @throws MuldeError MODELS_UNKNOWN_MODEL, or MODELS_CONFIG with the field as its path
 */
export function checkConfig(config: ModelConfig): void {
  const definition = modelDefinition(config.model);
  const { name, dimMultiple, tables } = definition;
  const { dim, curvature } = config;
  const whole = (field: "dim" | "entities" | "relations", most: number, whose = ""): void => {
    const value: unknown = config[field];
    if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most) return;
    throw refusal(field, `must be a whole number from 1 to ${most}${whose}, but is ${String(value)}.`, value);
  };
  whole("dim", Math.min(maxDim, definition.maxDim ?? maxDim), ` for ${name}`);
  whole("entities", 2 ** 31 - 1);
  whole("relations", 2 ** 30 - 1);
  if (dim % dimMultiple !== 0) {
    const reason =
      dimMultiple === 2
        ? `must be even, but is ${dim}: ${name} takes coordinates in pairs.`
        : `must be a multiple of 4, but is ${dim}: ${name} takes coordinates by fours.`;
    throw refusal("dim", reason, dim);
  }
  for (const [table, { width }] of Object.entries(tables)) {
    const value = width(dim);
    if (Number.isInteger(value) && value >= 1) continue;
    throw refusal(
      "dim",
      `cannot be ${dim} for ${name}, whose table ${table} would be ${value} wide; choose another dimension.`,
      dim,
    );
  }
  if (!curvatures.includes(curvature)) {
    throw refusal("curvature", `must be "shared" or "relation", but is "${curvature}".`, curvature);
  }
}

const curvatures: readonly ModelConfig["curvature"][] = ["shared", "relation"];

function refusal(field: keyof ModelConfig, reason: string, value: unknown): MuldeError {
  return new MuldeError("MODELS_CONFIG", reason, { path: [field], value });
}
