import type { Kernels } from "@mulde/kernels";
import type { ModelConfig } from "./config.js";
import type { ModelDefinition } from "./models/definition.js";
import type { Encoder } from "./training/encoder.js";
import type { ParameterTable } from "./types.js";

/** What encoders and inference read of a model: apart from `KgeModel`, which imports them. */
export interface ModelState {
  readonly config: ModelConfig;
  readonly definition: ModelDefinition;
  readonly kernels: Kernels;
  readonly tables: ReadonlyMap<string, ParameterTable>;
  readonly encoder: Encoder;
  readonly dim: number;
  readonly entities: number;
  readonly hyperbolic: boolean;
  readonly similarity: "dot" | "euclidean" | "hyperbolic" | "relationHyperbolic";
  readonly version: number;
  table(name: string): ParameterTable;
  curvature(relation: number): number;
}
