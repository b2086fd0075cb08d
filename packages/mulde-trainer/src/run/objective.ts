import type { KgeModel, TableGradient } from "@mulde/kge-models";
import type { Batch } from "./data.js";
import type { LossParts } from "./events.js";
import type { Trained } from "./optimizer.js";

/** What a step minimises: losses of a batch, and gradients by the tables that it trains. */
export interface Objective {
  /** The Senior's tables, which it trains beside the model's. */
  readonly extra: readonly Trained[];
  /** Teachers that it trains too, and their tables under names of their own. */
  readonly adapting?: { readonly models: readonly KgeModel[]; readonly tables: readonly Trained[] };
  /** What a checkpoint must hold beside the tables, filled in place by one that is read. */
  readonly state?: ReadonlyMap<string, Float32Array>;
  step(batch: Batch): Promise<StepResult>;
  dispose(): void;
}

export interface StepResult {
  readonly loss: LossParts;
  /** distillation only: each teacher's attention weight, a mean over the batch */
  readonly attention?: readonly number[];
  /** by table name, valid until the next step */
  readonly gradients: ReadonlyMap<string, TableGradient>;
}
