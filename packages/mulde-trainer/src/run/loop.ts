import type { KgeModel } from "@mulde/kge-models";
import { Averaging } from "./averaging.js";
import { readCheckpoint, runFingerprint, type RunState, writeCheckpoint } from "./checkpoint.js";
import type { Batches, PreparedData } from "./data.js";
import { MuldeError } from "@mulde/errors";
import type { LossParts, TrainEvent, TrainResult } from "./events.js";
import type { Objective } from "./objective.js";
import { learningRateAt, Optimizer, type Trained, trainedTables } from "./optimizer.js";
import type { RunOptions } from "./options.js";
import { Validation } from "./validation.js";

/** How a run is watched, stopped and resumed; none of it changes the result. */
export interface RunControl {
  /** Names the run in its events. */
  readonly name?: string;
  /**
   * Where to write checkpoints and to resume from; none are written without it. The last one is of the finished run, so that nothing
   * is lost before the result is saved: delete the file then.
   */
  readonly checkpoint?: string;
  /** Minutes between checkpoints; 5 unless given. */
  readonly checkpointMinutes?: number;
  /** What the result depends on beside options and data, such as the teachers' fingerprints: another run's checkpoint is refused. */
  readonly identity?: string;
  /** Stops the run before its next step, after a checkpoint; it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

// Often enough for a progress bar, and for Ctrl-C to be heard.
const progressMilliseconds = 100;
// What ranking and the Senior say of a model whose scores are no numbers.
const divergedCodes: readonly unknown[] = ["SCORE_NOT_FINITE", "SENIOR_NOT_FINITE"];

/**
 * The training loop: steps, validations, early stopping on the validation MRR, best parameters kept, checkpoints. Reports events
 * as it goes and returns the result, with the model's parameters set to the best. With averaging, validations and the best are of the
 * average. A run that does not come to its end, because it fails, is aborted or is no longer listened to, gives the model's memory back.
 *
 * @throws MuldeError TRAINER_CHECKPOINT, TRAINER_DIVERGED
 */
export async function* trainingLoop(
  model: KgeModel,
  data: PreparedData,
  makeBatches: () => Batches,
  makeObjective: () => Objective,
  options: RunOptions,
  identity: readonly unknown[],
  control: RunControl,
): AsyncGenerator<TrainEvent, TrainResult> {
  const { kernels } = model;
  const name = control.name ?? options.model;
  const path = control.checkpoint;
  let objective: Objective;
  try {
    objective = makeObjective();
  } catch (refused) {
    model.dispose();
    throw refused;
  }
  const trained: readonly Trained[] = [
    ...trainedTables(model, options.biases),
    ...objective.extra,
    ...(objective.adapting?.tables ?? []),
  ];
  // Teachers that adapt are scored in steps alone, and there touched by their objective.
  const touchAll = (): void => [model, ...(objective.adapting?.models ?? [])].forEach((own) => own.touch());
  const optimizer = new Optimizer(kernels, trained, options);
  let finished = false;
  try {
    const batches = makeBatches();
    const { stepsPerEpoch } = batches;
    const steps = options.epochs * stepsPerEpoch;
    const validation = new Validation(data, options);
    const averaging = new Averaging(trained, options.averaging);
    const best = new Map(trained.map((table) => [table.name, new Float32Array(table.data.length)]));

    const arrays = new Map<string, Float32Array>();
    for (const { name: table, data: values } of trained) arrays.set(`now.${table}`, values);
    for (const [table, values] of best) arrays.set(`best.${table}`, values);
    for (const [moment, values] of optimizer.state()) arrays.set(`optimizer.${moment}`, values);
    for (const [table, values] of averaging.state()) arrays.set(`average.${table}`, values);
    for (const [part, values] of objective.state ?? []) arrays.set(`objective.${part}`, values);
    const run = runFingerprint([options, ...identity]);
    const nothing = { total: 0, hard: 0, soft: 0, senior: 0, teachers: 0 };
    const state: RunState = (path !== undefined && (await readCheckpoint(path, run, arrays))) || {
      run,
      step: 0,
      seconds: 0,
      stale: 0,
      drops: 0,
      best: null,
      sums: { ...nothing },
      attention: [],
    };
    touchAll();
    const secondsBefore = state.seconds;
    const started = performance.now();
    const elapsed = (): number => secondsBefore + (performance.now() - started) / 1000;
    const { model: kind, dim, epochs } = options;
    yield { type: "start", name, model: kind, dim, epochs, steps, resumedAt: state.step };

    let saved = state.step;
    let lastCheckpoint = performance.now();
    let lastProgress = 0;
    let epochStarted = performance.now();
    const save = async (checkpoint: string): Promise<TrainEvent> => {
      state.seconds = elapsed();
      await writeCheckpoint(checkpoint, state, arrays);
      saved = state.step;
      lastCheckpoint = performance.now();
      return { type: "checkpoint", name, epoch: Math.floor(saved / stepsPerEpoch), step: saved, path: checkpoint };
    };

    while (state.step < steps && state.stale < options.patience) {
      if (control.signal?.aborted) {
        if (path !== undefined && saved !== state.step) yield await save(path);
        control.signal.throwIfAborted();
      }
      const batch = batches.at(state.step);
      const { epoch } = batch;
      const { loss, attention, gradients } = await orDiverged(name, epoch, objective.step(batch));
      if (!Number.isFinite(loss.total)) throw diverged(name, epoch, `the loss is ${loss.total}`);
      optimizer.update(gradients, state.step + 1, learningRateAt(state.step, steps, options, state.drops));
      model.touch();
      state.step++;
      averaging.update(state.step, stepsPerEpoch);
      state.sums.total += loss.total;
      state.sums.hard += loss.hard;
      state.sums.soft += loss.soft ?? 0;
      state.sums.senior += loss.senior ?? 0;
      state.sums.teachers += loss.teachers ?? 0;
      attention?.forEach((weight, i) => (state.attention[i] = (state.attention[i] ?? 0) + weight));

      const now = performance.now();
      if (now - lastProgress >= progressMilliseconds) {
        lastProgress = now;
        yield { type: "progress", name, epoch, step: state.step, steps, loss: loss.total };
        await new Promise(setImmediate);
      }
      if (state.step % stepsPerEpoch === 0) {
        const mean = (part: keyof typeof nothing): number => state.sums[part] / stepsPerEpoch;
        const distilled = loss.soft !== undefined && { soft: mean("soft"), senior: mean("senior") };
        const adapted = loss.teachers !== undefined && { teachers: mean("teachers") };
        const parts: LossParts = { total: mean("total"), hard: mean("hard"), ...distilled, ...adapted };
        const weights = attention && { attention: state.attention.map((sum) => sum / stepsPerEpoch) };
        state.sums = { ...nothing };
        state.attention = [];
        yield { type: "epoch", name, epoch, loss: parts, ...weights, seconds: (now - epochStarted) / 1000 };
        if ((epoch + 1) % options.validateEvery === 0 || state.step === steps) {
          const before = performance.now();
          averaging.swap();
          model.touch();
          const metrics = await orDiverged(name, epoch, validation.metrics(model));
          const better = state.best === null || metrics.mrr > state.best.metrics.mrr;
          if (better) {
            state.best = { epoch, metrics };
            state.stale = 0;
            for (const table of trained) best.get(table.name)!.set(table.data);
          } else {
            state.stale++;
            state.drops++;
          }
          const validationLoss = validation.loss(model);
          averaging.swap();
          model.touch();
          const seconds = (performance.now() - before) / 1000;
          yield { type: "validation", name, epoch, metrics, best: better, loss: validationLoss, seconds };
        }
        epochStarted = performance.now();
      }
      const due = performance.now() - lastCheckpoint >= 60_000 * (control.checkpointMinutes ?? 5);
      if (path !== undefined && due) yield await save(path);
    }
    if (path !== undefined && saved !== state.step) yield await save(path);

    for (const table of trained) table.data.set(best.get(table.name)!);
    touchAll();
    const result: TrainResult = {
      model,
      best: state.best!,
      epochs: Math.ceil(state.step / stepsPerEpoch),
      steps: state.step,
      seconds: elapsed(),
      senior: new Map(objective.extra.map((table) => [table.name, table.data])),
    };
    finished = true;
    yield { type: "done", name, result };
    return result;
  } finally {
    optimizer.dispose();
    objective.dispose();
    // From "done" on the model is the listener's.
    if (!finished) model.dispose();
  }
}

/** Scores that are no numbers come of a model that diverged, wherever they are noticed first. */
async function orDiverged<T>(name: string, epoch: number, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && divergedCodes.includes(cause.code))) throw cause;
    throw diverged(name, epoch, "scores are no longer finite", cause);
  }
}

function diverged(name: string, epoch: number, what: string, cause?: unknown): MuldeError {
  const message = `${name} diverged in epoch ${epoch + 1}, ${what}: lower learningRate, and delete the run's checkpoint.`;
  return new MuldeError("TRAINER_DIVERGED", message, { cause });
}
