import type { TrainEvent, TrainResult } from "./events.js";
import { holdLock } from "./lock.js";
import type { LoopPlan, RunControl } from "./plan.js";
import { Session } from "./session.js";

/**
 * The training loop: steps, validations, early stopping on the validation MRR, checkpoints. It reports events on the way and returns the result, with
 * the model's parameters set to the best; with averaging, validations and the best are those of the average. If a run fails, is stopped,
 * or loses its listener, it frees the model's memory. If something is no longer finite, it writes no checkpoint any more, and the event "diverged"
 * offers the best so far before it fails.
 *
 * @throws MuldeError TRAINER_LOCKED, TRAINER_NOT_WRITABLE, TRAINER_CHECKPOINT, TRAINER_CHECKPOINT_WRITE, TRAINER_DIVERGED
 */
export async function* trainingLoop(plan: LoopPlan, control: RunControl): AsyncGenerator<TrainEvent, TrainResult> {
  const owned: { dispose(): void }[] = [];
  let finished = false;
  try {
    if (control.checkpoint !== undefined) {
      const lock = holdLock(control.checkpoint);
      owned.push({ dispose: () => lock.release() });
    }
    const session = await Session.open(plan, control, (part) => {
      owned.push(part);
      return part;
    });
    yield session.startEvent();
    while (session.goesOn) {
      yield* session.checkpointIfDue();
      yield* session.isUnvalidated ? session.validate() : session.step();
    }
    yield* session.lastCheckpoint();
    const result = session.restoreBest();
    finished = true;
    yield { type: "done", name: session.name, result };
    return result;
  } finally {
    for (const part of owned.reverse()) part.dispose();
    // From "done" on the model belongs to the listener.
    if (!finished) plan.model.dispose();
  }
}
