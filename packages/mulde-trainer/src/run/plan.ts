import type { KgeModel } from "@mulde/kge-models";
import type { Batches } from "../facts/batches.js";
import type { PreparedData } from "../facts/data.js";
import type { Objective } from "./objective.js";
import type { RunOptions } from "./options.js";

/** How a run is watched, stopped and resumed; none of it changes the result. */
export interface RunControl {
  /** Names the run in its events. */
  readonly name?: string;
  /**
   * The checkpoint file to write and to resume from; without it none is written. The last checkpoint holds the finished run, so that nothing is lost
   * before you save the result: delete the file then. The run holds a lock beside it, `PATH.lock`, as long as it goes.
   */
  readonly checkpoint?: string;
  /** Minutes between checkpoints; 5 unless given. */
  readonly checkpointMinutes?: number;
  /**
   * Stops the run before its next step, or in the middle of a validation, after a checkpoint; the run then rejects with the signal's reason.
   */
  readonly signal?: AbortSignal;
}

/** What a loop trains, and how. */
export interface LoopPlan {
  readonly model: KgeModel;
  readonly data: PreparedData;
  readonly options: RunOptions;
  /** the run's identity: a checkpoint of another run is refused */
  readonly run: string;
  readonly batches: () => Batches;
  readonly objective: () => Objective;
}
