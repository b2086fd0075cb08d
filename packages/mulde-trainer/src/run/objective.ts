import type { KgeModel, TableGradient } from "@mulde/kge-models";
import type { Batch } from "../step/block.js";
import type { StepControl } from "../step/parts.js";
import type { LossParts } from "./events.js";
import type { Trained } from "./optimizer.js";

/** Goes before the names of the Senior's tables, which the model's may have too. */
export const seniorPrefix = "senior.";

/** What a step minimises: losses of a batch, and gradients by the tables that it trains. */
export interface Objective {
  /** The Senior's tables, which it trains beside the model's; their names begin with `seniorPrefix`. */
  readonly extra: readonly Trained[];
  /** Teachers that it trains too, and their tables under names of their own. */
  readonly adapting?: { readonly models: readonly KgeModel[]; readonly tables: readonly Trained[] };
  /** What a checkpoint must hold beside the tables; reading one fills it in place. */
  readonly state?: ReadonlyMap<string, Float32Array>;
  step(batch: Batch, control?: StepControl): Promise<StepResult>;
  dispose(): void;
}

export interface StepResult {
  readonly loss: LossParts;
  /** distillation only: each teacher's attention weight, a mean over the batch */
  readonly attention?: readonly number[];
  /** by table name, valid until the next step */
  readonly gradients: ReadonlyMap<string, TableGradient>;
}
