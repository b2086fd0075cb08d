import { MuldeError } from "@mulde/errors";
import type { KgeModel } from "@mulde/kge-models";
import type { Batches } from "../facts/batches.js";
import type { PreparedData } from "../facts/data.js";
import { Averaging } from "./averaging.js";
import { readCheckpoint, type RunState, writeCheckpoint } from "./checkpoint.js";
import { type Divergence, divergenceOf, oddGradient, oddLoss } from "./divergence.js";
import { EpochSums } from "./epoch-sums.js";
import type { TrainEvent, TrainResult, ValidationMetrics } from "./events.js";
import { type Objective, seniorPrefix, type StepResult } from "./objective.js";
import { learningRateAt, Optimizer, type Trained, trainedTables } from "./optimizer.js";
import type { RunOptions } from "./options.js";
import { Validation } from "./validation.js";

/** How a run is watched, stopped and resumed; none of it changes the result. */
export interface RunControl {
  /** Names the run in its events. */
  readonly name?: string;
  /**
   * The checkpoint file to write and to resume from; without it none is written. The last checkpoint holds the finished run, so that nothing is lost
   * before you save the result: delete the file then.
   */
  readonly checkpoint?: string;
  /** Minutes between checkpoints; 5 unless given. */
  readonly checkpointMinutes?: number;
  /** Stops the run before its next step, after a checkpoint; the run then rejects with the signal's reason. */
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
 * or loses its listener, it frees the model's memory. If something is no longer finite, it writes no checkpoint any more, and the event "diverged"
 * offers the best so far before it fails.
 *
 * @throws MuldeError TRAINER_CHECKPOINT, TRAINER_DIVERGED
 */
export async function* trainingLoop(plan: LoopPlan, control: RunControl): AsyncGenerator<TrainEvent, TrainResult> {
  const { model, data, options, run } = plan;
  const name = control.name ?? options.model.name;
  const path = control.checkpoint;
  const owned: { dispose(): void }[] = [];
  let finished = false;
  try {
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

    const restore = (found: NonNullable<RunState["best"]>): TrainResult => {
      for (const table of trained) table.data.set(best.get(table.name)!);
      touchAll();
      return {
        model,
        best: found,
        epochs: Math.ceil(state.step / stepsPerEpoch),
        steps: state.step,
        seconds: elapsed(),
        senior: new Map(objective.extra.map((table) => [table.name.slice(seniorPrefix.length), table.data])),
      };
    };
    // Says what diverged, with the best so far in the model, and returns the error.
    function* lost(divergence: Divergence, epoch: number, where: string): Generator<TrainEvent, MuldeError> {
      const found = state.best ? restore(state.best) : undefined;
      const { reason, value, cause } = divergence;
      yield { type: "diverged", name, epoch, step: state.step, reason, best: found };
      const advice = [
        adviceOn(divergence, state.step > 0),
        ...(saved > 0 ? [checkpointAdvice(divergence, path!)] : []),
      ];
      return new MuldeError(
        "TRAINER_DIVERGED",
        `${name} (${kind}) diverged in ${where}: ${reason}. ${advice.join(" ")}`,
        { value, cause },
      );
    }

    while (state.step < steps && state.stale < options.validation.patience) {
      if (control.signal?.aborted) {
        if (path !== undefined && saved !== state.step) yield await save(path);
        control.signal.throwIfAborted();
      }
      const batch = batches.at(state.step);
      const { epoch } = batch;
      const where = `epoch ${epoch + 1}, batch ${(state.step % stepsPerEpoch) + 1}`;
      let stepped: StepResult;
      try {
        stepped = await objective.step(batch, { signal: control.signal });
      } catch (error) {
        // A teacher that gave up because the run is stopped: nothing was updated, so the top of the loop ends the run.
        if (control.signal?.aborted) continue;
        const divergence = divergenceOf(error, data.names);
        throw divergence ? yield* lost(divergence, epoch, where) : error;
      }
      const { loss, attention, gradients } = stepped;
      const wrong = oddLoss(loss);
      if (wrong) throw yield* lost(wrong, epoch, where);
      const odd = optimizer.update(gradients, state.step + 1, learningRateAt(state.step, steps, options, state.drops));
      if (odd) throw yield* lost(oddGradient(odd, data.names), epoch, where);
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
        yield { type: "epoch", name, epoch, ...sums.take(stepsPerEpoch), seconds: (now - epochStarted) / 1000 };
        if ((epoch + 1) % options.validation.every === 0 || state.step === steps) {
          const before = performance.now();
          averaging.swap();
          model.touch();
          let metrics: ValidationMetrics;
          let validationLoss: number;
          try {
            metrics = await validation.metrics(model);
            validationLoss = validation.loss(model);
          } catch (error) {
            const divergence = divergenceOf(error, data.names);
            throw divergence ? yield* lost(divergence, epoch, `the validation after epoch ${epoch + 1}`) : error;
          }
          const better = state.best === null || metrics.mrr > state.best.metrics.mrr;
          if (better) {
            state.best = { epoch, metrics };
            state.stale = 0;
            for (const table of trained) best.get(table.name)!.set(table.data);
          } else {
            state.stale++;
            state.drops++;
          }
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

    const result = restore(state.best!);
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

/** @param moved - whether the run has moved its parameters: otherwise the learning rate cannot be at fault */
function adviceOn({ own, advice }: Divergence, moved: boolean): string {
  if (!own && advice !== undefined) return advice;
  if (moved) return "Lower optimizer.learningRate.";
  return "Nothing was trained yet, so look at the initial values, and at parts of your own.";
}

function checkpointAdvice({ own }: Divergence, path: string): string {
  return own
    ? `The checkpoint ${path} is from before that, and belongs to the present options: delete it when you change them.`
    : `The checkpoint ${path} is from before that: run again to go on from there, or delete it to start anew.`;
}
