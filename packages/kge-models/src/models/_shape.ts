import type { ModelConfig } from "../config.js";
import type { ModelDefinition } from "./definition.js";

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
