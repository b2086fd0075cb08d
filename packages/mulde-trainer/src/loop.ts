import { rm } from "node:fs/promises";
import type { KgeModel } from "@mulde/kge-models";
import { readCheckpoint, runFingerprint, type RunState, writeCheckpoint } from "./checkpoint.js";
import { Batches, type PreparedData } from "./data.js";
import { MuldeError } from "./error.js";
import type { LossParts, TrainEvent, TrainResult } from "./events.js";
import type { Objective } from "./objective.js";
import { learningRateAt, Optimizer, type Trained, trainedTables } from "./optimizer.js";
import type { RunOptions } from "./options.js";
import { Validation } from "./validation.js";

/** How a run is watched, stopped and resumed; none of it changes the result. */
export interface RunControl {
  /** Names the run in its events. */
  readonly name?: string;
  /** Where to write checkpoints and to resume from; none are written without it. The file goes when the run is done. */
  readonly checkpoint?: string;
  /** Minutes between checkpoints; 5 unless given. */
  readonly checkpointMinutes?: number;
  /** Stops the run before its next step, after a checkpoint; it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

// Often enough for a progress bar, and for Ctrl-C to be heard.
const progressMilliseconds = 100;

/**
 * The training loop: steps, validations, early stopping on the validation MRR, best parameters kept, checkpoints. Reports events
 * as it goes and returns the result, with the model's parameters set to the best.
 */
export async function* trainingLoop(
  model: KgeModel,
  data: PreparedData,
  objective: Objective,
  options: RunOptions,
  identity: readonly unknown[],
  control: RunControl,
): AsyncGenerator<TrainEvent, TrainResult> {
  const { kernels } = model;
  const name = control.name ?? options.model;
  const batches = new Batches(data.queries, options.batchSize, options.seed);
  const steps = options.epochs * batches.stepsPerEpoch;
  const trained: readonly Trained[] = [...trainedTables(model), ...objective.extra];
  const optimizer = new Optimizer(kernels, trained, options);
  const validation = new Validation(data, options);
  const best = new Map(trained.map((table) => [table.name, new Float32Array(table.data.length)]));

  const arrays = new Map<string, Float32Array>();
  for (const { name: table, data: values } of trained) arrays.set(`now.${table}`, values);
  for (const [table, values] of best) arrays.set(`best.${table}`, values);
  for (const [moment, values] of optimizer.state()) arrays.set(`optimizer.${moment}`, values);
  const run = runFingerprint([options, ...identity]);
  const path = control.checkpoint;
  const nothing = { total: 0, hard: 0, soft: 0, senior: 0 };
  const state: RunState = (path !== undefined && (await readCheckpoint(path, run, arrays))) || {
    run,
    step: 0,
    seconds: 0,
    stale: 0,
    best: null,
    sums: { ...nothing },
  };
  model.touch();
  const secondsBefore = state.seconds;
  const started = performance.now();
  const elapsed = (): number => secondsBefore + (performance.now() - started) / 1000;
  const { model: kind, dim, epochs } = options;
  yield { type: "start", name, model: kind, dim, epochs, steps, resumedAt: state.step };

  let lastCheckpoint = performance.now();
  let lastProgress = 0;
  let epochStarted = performance.now();
  const save = async (): Promise<TrainEvent> => {
    state.seconds = elapsed();
    await writeCheckpoint(path!, state, arrays);
    lastCheckpoint = performance.now();
    return { type: "checkpoint", name, epoch: Math.floor(state.step / batches.stepsPerEpoch), step: state.step, path: path! };
  };

  while (state.step < steps && state.stale < options.patience) {
    if (control.signal?.aborted) {
      if (path !== undefined) yield await save();
      control.signal.throwIfAborted();
    }
    const batch = batches.at(state.step);
    const { loss, gradients } = await objective.step(batch);
    if (!Number.isFinite(loss.total)) {
      throw new MuldeError(
        "TRAINER_DIVERGED",
        `${name}: the loss is ${loss.total} at step ${state.step + 1} (epoch ${batch.epoch + 1}): lower learningRate.`,
      );
    }
    optimizer.update(gradients, state.step + 1, learningRateAt(state.step, steps, options));
    model.touch();
    state.step++;
    state.sums.total += loss.total;
    state.sums.hard += loss.hard;
    state.sums.soft += loss.soft ?? 0;
    state.sums.senior += loss.senior ?? 0;

    const now = performance.now();
    if (now - lastProgress >= progressMilliseconds) {
      lastProgress = now;
      yield { type: "progress", name, epoch: batch.epoch, step: state.step, steps, loss: loss.total };
      await new Promise(setImmediate);
    }
    if (state.step % batches.stepsPerEpoch === 0) {
      const { epoch } = batch;
      const mean = (part: keyof typeof nothing): number => state.sums[part] / batches.stepsPerEpoch;
      const distilled = loss.soft !== undefined && { soft: mean("soft"), senior: mean("senior") };
      const parts: LossParts = { total: mean("total"), hard: mean("hard"), ...distilled };
      state.sums = { ...nothing };
      yield { type: "epoch", name, epoch, loss: parts, seconds: (now - epochStarted) / 1000 };
      if ((epoch + 1) % options.validateEvery === 0 || state.step === steps) {
        const before = performance.now();
        const metrics = await validation.metrics(model);
        const better = state.best === null || metrics.mrr > state.best.metrics.mrr;
        if (better) {
          state.best = { epoch, metrics };
          state.stale = 0;
          for (const table of trained) best.get(table.name)!.set(table.data);
        } else {
          state.stale++;
        }
        const seconds = (performance.now() - before) / 1000;
        yield { type: "validation", name, epoch, metrics, best: better, loss: validation.loss(model), seconds };
      }
      epochStarted = performance.now();
    }
    const due = performance.now() - lastCheckpoint >= 60_000 * (control.checkpointMinutes ?? 5);
    if (path !== undefined && due) yield await save();
  }

  for (const table of trained) table.data.set(best.get(table.name)!);
  model.touch();
  optimizer.dispose();
  const senior = new Map(objective.extra.map((table) => [table.name, table.data]));
  objective.dispose();
  const result: TrainResult = {
    model,
    best: state.best!,
    epochs: Math.ceil(state.step / batches.stepsPerEpoch),
    steps: state.step,
    seconds: elapsed(),
    senior,
  };
  yield { type: "done", name, result };
  if (path !== undefined) await rm(path, { force: true });
  return result;
}
