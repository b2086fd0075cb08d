import type { KgeModel } from "@mulde/kge-models";

/** Filtered metrics of a validation, realistic ranks, both directions. */
export interface ValidationMetrics {
  readonly mrr: number;
  readonly mr: number;
  readonly hits: Readonly<Record<string, number>>;
}

/** Means over an epoch's batches. Parts that a kind of training lacks are left out. */
export interface LossParts {
  /** what is minimised */
  readonly total: number;
  readonly hard: number;
  readonly soft?: number;
  readonly senior?: number;
  /** of all teachers that adapt, hard and soft, from the epoch on in which they do */
  readonly teachers?: number;
}

/**
 * What a training run reports, in order. Progress bars, logs and reports are consumers of this one stream. `epoch` counts from 0; text for people
 * counts from 1.
 */
export type TrainEvent =
  | {
      readonly type: "start";
      readonly name: string;
      readonly model: string;
      readonly dim: number;
      readonly epochs: number;
      readonly steps: number;
      /** steps already done, when a checkpoint was found */
      readonly resumedAt: number;
    }
  | {
      readonly type: "progress";
      readonly name: string;
      readonly epoch: number;
      readonly step: number;
      readonly steps: number;
      readonly loss: number;
    }
  | {
      readonly type: "epoch";
      readonly name: string;
      readonly epoch: number;
      readonly loss: LossParts;
      /** distillation only: each teacher's attention weight, a mean over the epoch */
      readonly attention?: readonly number[];
      readonly seconds: number;
    }
  | {
      readonly type: "validation";
      readonly name: string;
      readonly epoch: number;
      readonly metrics: ValidationMetrics;
      /** whether it is the best so far */
      readonly best: boolean;
      /** the loss of the facts on the validation split, without sampling noise between epochs */
      readonly loss: number;
      readonly seconds: number;
    }
  | {
      readonly type: "checkpoint";
      readonly name: string;
      readonly epoch: number;
      readonly step: number;
      readonly path: string;
    }
  | {
      /** Something is no longer finite. The run throws TRAINER_DIVERGED next, which says more. */
      readonly type: "diverged";
      readonly name: string;
      readonly epoch: number;
      /** steps done before the one that failed */
      readonly step: number;
      /** what is not finite, as a clause */
      readonly reason: string;
      /** the best validation so far; its model has those parameters, and its memory is freed after the event */
      readonly best: TrainResult | undefined;
    }
  | { readonly type: "done"; readonly name: string; readonly result: TrainResult };

/** What a training run ends with. */
export interface TrainResult {
  /** with the parameters of the best validation */
  readonly model: KgeModel;
  readonly best: { readonly epoch: number; readonly metrics: ValidationMetrics };
  /** epochs run, which early stopping may make fewer than asked for */
  readonly epochs: number;
  readonly steps: number;
  /** training and validation, over all resumptions */
  readonly seconds: number;
  /** trained parameters of the Senior by name; empty for training from facts */
  readonly senior: ReadonlyMap<string, Float32Array>;
}
