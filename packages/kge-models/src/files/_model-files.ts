import type { KgeModel } from "../model.js";

/** What a model directory holds beside the parameters. */
export interface ModelInfo {
  /** Entity names in the order of their ids. */
  readonly entities: readonly string[];
  /** The R relation names in the order of their ids. */
  readonly relations: readonly string[];
  /** The data set's name and fingerprint, so that nobody uses the model with the ids of another one. */
  readonly dataset?: { readonly name: string; readonly fingerprint: string };
  /** How the model was trained: options, metrics, seconds. Stored as given, as JSON. */
  readonly training?: Readonly<Record<string, unknown>>;
}

/** A model with its names. */
export interface SavedModel extends ModelInfo {
  readonly model: KgeModel;
}

/** The names of a model's files. */
export const files = {
  parameters: "model.safetensors",
  config: "config.json",
  entities: "entities.tsv",
  relations: "relations.tsv",
} as const;

/** The position of the first NaN or infinity, or -1. */
export function notFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return -1;
}
