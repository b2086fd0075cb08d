import { maxDim } from "@mulde/kernels";
import type { ModelDefinition } from "./definition.js";
import { MuldeError } from "./error.js";
import type { ModelConfig } from "./model.js";

/** One table, rows x width. */
export interface TableShape {
  readonly name: string;
  readonly rows: number;
  readonly width: number;
}

/** The tables of a model, in the order in which they are made, initialised and saved. */
export function tableShapes(config: ModelConfig, definition: ModelDefinition): TableShape[] {
  const { entities, relations, dim } = config;
  const shapes: TableShape[] = [{ name: "entity", rows: entities, width: dim }];
  for (const [name, { rows, width }] of Object.entries(definition.tables)) {
    shapes.push({ name, rows: rows === "one" ? 1 : 2 * relations, width: width(dim) });
  }
  shapes.push({ name: "headBias", rows: entities, width: 1 }, { name: "tailBias", rows: entities, width: 1 });
  if (definition.similarity === "hyperbolic") {
    shapes.push({ name: "curvature", rows: config.curvature === "shared" ? 1 : 2 * relations, width: 1 });
  }
  return shapes;
}

/** Whether all relations share one row of a relation table. */
export function isShared(definition: ModelDefinition, table: string): boolean {
  return definition.tables[table]!.rows === "one";
}

/** Throws MODELS_CONFIG naming the field that is out of range. */
export function checkConfig(config: ModelConfig, definition: ModelDefinition): void {
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
