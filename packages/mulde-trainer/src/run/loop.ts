import { hasCode, MuldeError } from "@mulde/errors";
import type { KgeModel } from "@mulde/kge-models";
import type { Batches } from "../facts/batches.js";
import type { PreparedData } from "../facts/data.js";
import { Averaging } from "./averaging.js";
import { readCheckpoint, type RunState, writeCheckpoint } from "./checkpoint.js";
import { EpochSums } from "./epoch-sums.js";
import type { TrainEvent, TrainResult } from "./events.js";
import { holdLock } from "./lock.js";
import { type Objective, seniorPrefix } from "./objective.js";
import { learningRateAt, Optimizer, type Trained, trainedTables } from "./optimizer.js";
import type { RunOptions } from "./options.js";
import { Validation } from "./validation.js";

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

// Often enough for a progress bar, and for Ctrl-C to be heard.
const progressMilliseconds = 100;

/**
 * The training loop: steps, validations, early stopping on the validation MRR, checkpoints. It reports events on the way and returns the result, with
 * the model's parameters set to the best; with averaging, validations and the best are those of the average. If a run fails, is stopped,
 * or loses its listener, it frees the model's memory.
 *
 * @throws MuldeError TRAINER_LOCKED, TRAINER_NOT_WRITABLE, TRAINER_CHECKPOINT, TRAINER_CHECKPOINT_WRITE, TRAINER_DIVERGED
 */
export async function* trainingLoop(plan: LoopPlan, control: RunControl): AsyncGenerator<TrainEvent, TrainResult> {
  const { model, data, options, run } = plan;
  const name = control.name ?? options.model.name;
  const path = control.checkpoint;
  const owned: { dispose(): void }[] = [];
  let finished = false;
  try {
    if (path !== undefined) {
      const lock = holdLock(path);
      owned.push({ dispose: () => lock.release() });
    }
    const objective = plan.objective();
    owned.push(objective);
    const trained: readonly Trained[] = [
      ...trainedTables(model, options.model.biases),
      ...objective.extra,
      ...(objective.adapting?.tables ?? []),
    ];
    const optimizer = new Optimizer(model.kernels, trained, options.optimizer);
    owned.push(optimizer);
    // Teachers that adapt are scored in steps alone, and there touched by their objective.
    const touchAll = (): void => [model, ...(objective.adapting?.models ?? [])].forEach((own) => own.touch());
    const batches = plan.batches();
    const { stepsPerEpoch } = batches;
    const steps = options.epochs * stepsPerEpoch;
    const validation = new Validation(data, options);
    const averaging = new Averaging(trained, options.optimizer.averaging);
    const best = new Map(trained.map((table) => [table.name, new Float32Array(table.data.length)]));
    const arrays = new Map<string, Float32Array>([
      ...trained.map((table) => [`now.${table.name}`, table.data] as const),
      ...prefixed("best", best),
      ...prefixed("optimizer", optimizer.state()),
      ...prefixed("average", averaging.state()),
      ...prefixed("objective", objective.state ?? new Map<string, Float32Array>()),
    ]);
    const state: RunState = (path === undefined ? undefined : await readCheckpoint(path, run, arrays)) ?? {
      run,
      step: 0,
      seconds: 0,
      stale: 0,
      drops: 0,
      unvalidated: false,
      best: null,
      epoch: new EpochSums().sums,
    };
    const sums = new EpochSums(state.epoch);
    touchAll();
    const secondsBefore = state.seconds;
    const started = performance.now();
    const elapsed = (): number => secondsBefore + (performance.now() - started) / 1000;
    const {
      model: { name: kind, dim },
      epochs,
    } = options;
    yield { type: "start", name, model: kind, dim, epochs, steps, resumedAt: state.step };

    let saved = state.step;
    let lastCheckpoint = performance.now();
    let lastProgress = 0;
    let epochStarted = performance.now();
    const save = async (checkpoint: string): Promise<TrainEvent> => {
      state.seconds = elapsed();
      state.epoch = sums.sums;
      await writeCheckpoint(checkpoint, state, arrays);
      saved = state.step;
      lastCheckpoint = performance.now();
      return { type: "checkpoint", name, epoch: Math.floor(saved / stepsPerEpoch), step: saved, path: checkpoint };
    };

    /** Ranks the parameters and keeps them if they are the best. If the run is stopped meanwhile, the validation is still to come. */
    const validate = async function* (): AsyncGenerator<TrainEvent> {
      const epoch = state.step / stepsPerEpoch - 1;
      const before = performance.now();
      averaging.swap();
      model.touch();
      const metrics = await unlessStopped(orDiverged(name, epoch, validation.metrics(model, control.signal)));
      const better = metrics !== undefined && (state.best === null || metrics.mrr > state.best.metrics.mrr);
      if (better) {
        state.best = { epoch, metrics };
        state.stale = 0;
        for (const table of trained) best.get(table.name)!.set(table.data);
      } else if (metrics) {
        state.stale++;
        state.drops++;
      }
      const loss = metrics && validation.loss(model);
      averaging.swap();
      model.touch();
      if (!metrics) return;
      state.unvalidated = false;
      const seconds = (performance.now() - before) / 1000;
      yield { type: "validation", name, epoch, metrics, best: better, loss: loss!, seconds };
      epochStarted = performance.now();
    };
    /** What comes of work, or undefined if it gave up because the run is stopped. */
    const unlessStopped = async <T>(work: Promise<T>): Promise<T | undefined> =>
      work.catch((error: unknown) => {
        if (control.signal?.aborted) return undefined;
        throw error;
      });

    while (state.unvalidated || (state.step < steps && state.stale < options.validation.patience)) {
      const due = performance.now() - lastCheckpoint >= 60_000 * (control.checkpointMinutes ?? 5);
      const stopped = control.signal?.aborted ?? false;
      if (path !== undefined && (stopped || (due && !state.unvalidated)) && saved !== state.step)
        yield await save(path);
      control.signal?.throwIfAborted();
      if (state.unvalidated) {
        yield* validate();
        continue;
      }
      const batch = batches.at(state.step);
      const { epoch } = batch;
      // Where a teacher gives up, nothing was updated yet.
      const stepped = await unlessStopped(orDiverged(name, epoch, objective.step(batch, { signal: control.signal })));
      if (!stepped) continue;
      const { loss, attention, gradients } = stepped;
      if (!Number.isFinite(loss.total)) throw diverged(name, epoch, `the loss is ${loss.total}`);
      optimizer.update(gradients, state.step + 1, learningRateAt(state.step, steps, options, state.drops));
      model.touch();
      state.step++;
      averaging.update(state.step, stepsPerEpoch);
      sums.add(loss, attention);

      const now = performance.now();
      if (now - lastProgress >= progressMilliseconds) {
        lastProgress = now;
        yield { type: "progress", name, epoch, step: state.step, steps, loss: loss.total };
        await new Promise(setImmediate);
      }
      if (state.step % stepsPerEpoch === 0) {
        state.unvalidated = (epoch + 1) % options.validation.every === 0 || state.step === steps;
        yield { type: "epoch", name, epoch, ...sums.take(stepsPerEpoch), seconds: (now - epochStarted) / 1000 };
        epochStarted = performance.now();
      }
    }
    if (path !== undefined && saved !== state.step) {
      try {
        yield await save(path);
      } catch (error) {
        if (!hasCode(error, "TRAINER_CHECKPOINT_WRITE")) throw error;
        yield {
          type: "warning",
          name,
          message: `The finished run has no checkpoint, only its result. ${error.message}`,
        };
      }
    }

    for (const table of trained) table.data.set(best.get(table.name)!);
    touchAll();
    const result: TrainResult = {
      model,
      best: state.best!,
      epochs: Math.ceil(state.step / stepsPerEpoch),
      steps: state.step,
      seconds: elapsed(),
      senior: new Map(objective.extra.map((table) => [table.name.slice(seniorPrefix.length), table.data])),
    };
    finished = true;
    yield { type: "done", name, result };
    return result;
  } finally {
    for (const part of owned.reverse()) part.dispose();
    // From "done" on the model belongs to the listener.
    if (!finished) model.dispose();
  }
}

function prefixed(prefix: string, arrays: ReadonlyMap<string, Float32Array>): (readonly [string, Float32Array])[] {
  return [...arrays].map(([name, values]) => [`${prefix}.${name}`, values] as const);
}

/** Scores that are not finite come from a diverged model, wherever they are noticed first. */
async function orDiverged<T>(name: string, epoch: number, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (!hasCode(cause, "SCORE_NOT_FINITE", "SENIOR_NOT_FINITE")) throw cause;
    throw diverged(name, epoch, "scores are no longer finite", cause);
  }
}

function diverged(name: string, epoch: number, what: string, cause?: unknown): MuldeError {
  return new MuldeError(
    "TRAINER_DIVERGED",
    `${name} diverged in epoch ${epoch + 1}, ${what}: lower optimizer.learningRate, and delete the run's checkpoint.`,
    { cause },
  );
}
