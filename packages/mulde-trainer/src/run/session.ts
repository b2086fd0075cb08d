import { hasCode, MuldeError } from "@mulde/errors";
import type { KgeModel } from "@mulde/kge-models";
import type { Batches } from "../facts/batches.js";
import { Averaging } from "./averaging.js";
import { readCheckpoint, type RunState, writeCheckpoint } from "./checkpoint.js";
import { type Divergence, divergenceOf, oddGradient, oddLoss } from "./divergence.js";
import { EpochSums } from "./epoch-sums.js";
import type { TrainEvent, TrainResult, ValidationMetrics } from "./events.js";
import { type Objective, seniorPrefix, type StepResult } from "./objective.js";
import { learningRateAt, Optimizer, type Trained, trainedTables } from "./optimizer.js";
import type { LoopPlan, RunControl } from "./plan.js";
import { Validation } from "./validation.js";

/** Takes what is to be disposed of when the run ends, at once when it is made: a later part may find no memory. */
export type Owner = <T extends { dispose(): void }>(part: T) => T;

// Often enough for a progress bar, and for Ctrl-C to be heard.
const progressMilliseconds = 100;

/**
 * A run under way: what it trains, where it stands, and the best of it so far. The loop asks for one thing after the other: a step, a validation,
 * a checkpoint.
 */
export class Session {
  readonly name: string;
  readonly #plan: LoopPlan;
  readonly #control: RunControl;
  readonly #objective: Objective;
  readonly #trained: readonly Trained[];
  readonly #optimizer: Optimizer;
  readonly #batches: Batches;
  readonly #validation: Validation;
  readonly #averaging: Averaging;
  readonly #best: ReadonlyMap<string, Float32Array>;
  /** all that a checkpoint holds beside the state */
  readonly #arrays: ReadonlyMap<string, Float32Array>;
  readonly #steps: number;
  #state: RunState;
  #sums: EpochSums;
  #secondsBefore = 0;
  readonly #started = performance.now();
  /** the step of the last checkpoint */
  #saved = 0;
  #lastCheckpoint = performance.now();
  #lastProgress = 0;
  #epochStarted = performance.now();

  /** The session of a plan, from its checkpoint on if there is one. @throws MuldeError TRAINER_CHECKPOINT */
  static async open(plan: LoopPlan, control: RunControl, own: Owner): Promise<Session> {
    const session = new Session(plan, control, own);
    await session.#resume();
    return session;
  }

  private constructor(plan: LoopPlan, control: RunControl, own: Owner) {
    const { model, data, options, run } = plan;
    this.#plan = plan;
    this.#control = control;
    this.name = control.name ?? options.model.name;
    this.#objective = own(plan.objective());
    this.#trained = [
      ...trainedTables(model, options.model.biases),
      ...this.#objective.extra,
      ...(this.#objective.adapting?.tables ?? []),
    ];
    this.#optimizer = own(new Optimizer(model.kernels, this.#trained, options.optimizer));
    this.#batches = plan.batches();
    this.#steps = options.epochs * this.#batches.stepsPerEpoch;
    this.#validation = new Validation(data, options);
    this.#averaging = new Averaging(this.#trained, options.optimizer.averaging);
    this.#best = new Map(this.#trained.map((table) => [table.name, new Float32Array(table.data.length)]));
    this.#arrays = new Map<string, Float32Array>([
      ...this.#trained.map((table) => [`now.${table.name}`, table.data] as const),
      ...prefixed("best", this.#best),
      ...prefixed("optimizer", this.#optimizer.state()),
      ...prefixed("average", this.#averaging.state()),
      ...prefixed("objective", this.#objective.state ?? new Map<string, Float32Array>()),
    ]);
    this.#sums = new EpochSums();
    const epoch = this.#sums.sums;
    this.#state = { run, step: 0, seconds: 0, stale: 0, drops: 0, unvalidated: false, best: null, epoch };
  }

  async #resume(): Promise<void> {
    const { checkpoint } = this.#control;
    const found = checkpoint === undefined ? undefined : await readCheckpoint(checkpoint, this.#plan.run, this.#arrays);
    if (found) {
      this.#state = found;
      this.#sums = new EpochSums(found.epoch);
      this.#secondsBefore = found.seconds;
      this.#saved = found.step;
    }
    this.#touchAll();
  }

  get #model(): KgeModel {
    return this.#plan.model;
  }

  /** Whether a step or a validation is still to come. */
  get goesOn(): boolean {
    const { unvalidated, step, stale } = this.#state;
    return unvalidated || (step < this.#steps && stale < this.#plan.options.validation.patience);
  }

  /** Whether a validation comes next, and no step. */
  get isUnvalidated(): boolean {
    return this.#state.unvalidated;
  }

  startEvent(): TrainEvent {
    const {
      model: { name: model, dim },
      epochs,
    } = this.#plan.options;
    const { step: resumedAt } = this.#state;
    return { type: "start", name: this.name, model, dim, epochs, steps: this.#steps, resumedAt };
  }

  /** Writes a checkpoint if the run is stopped, or if one is due and no validation comes first. @throws the signal's reason */
  async *checkpointIfDue(): AsyncGenerator<TrainEvent> {
    const { checkpointMinutes = 5, signal } = this.#control;
    const due = performance.now() - this.#lastCheckpoint >= 60_000 * checkpointMinutes;
    if (signal?.aborted || (due && !this.#state.unvalidated)) yield* this.#save();
    signal?.throwIfAborted();
  }

  /** Writes the checkpoint of the finished run. A disk that refuses does not cost the result. */
  async *lastCheckpoint(): AsyncGenerator<TrainEvent> {
    try {
      yield* this.#save();
    } catch (error) {
      if (!hasCode(error, "TRAINER_CHECKPOINT_WRITE")) throw error;
      const message = `The finished run has no checkpoint, only its result. ${error.message}`;
      yield { type: "warning", name: this.name, message };
    }
  }

  async *#save(): AsyncGenerator<TrainEvent> {
    const { checkpoint: path } = this.#control;
    if (path === undefined || this.#saved === this.#state.step) return;
    this.#state.seconds = this.#elapsed();
    this.#state.epoch = this.#sums.sums;
    await writeCheckpoint(path, this.#state, this.#arrays);
    const step = (this.#saved = this.#state.step);
    this.#lastCheckpoint = performance.now();
    const epoch = Math.floor(step / this.#batches.stepsPerEpoch);
    yield { type: "checkpoint", name: this.name, epoch, step, path };
  }

  /** One step. If the run is stopped while teachers answer, nothing was updated. @throws MuldeError TRAINER_DIVERGED */
  async *step(): AsyncGenerator<TrainEvent> {
    const { name } = this;
    const state = this.#state;
    const { options, data } = this.#plan;
    const { stepsPerEpoch } = this.#batches;
    const batch = this.#batches.at(state.step);
    const { epoch } = batch;
    const where = `epoch ${epoch + 1}, batch ${(state.step % stepsPerEpoch) + 1}`;
    let stepped: StepResult;
    try {
      stepped = await this.#objective.step(batch, { signal: this.#control.signal });
    } catch (error) {
      if (this.#control.signal?.aborted) return;
      const divergence = divergenceOf(error, data.names);
      throw divergence ? yield* this.#lost(divergence, epoch, where) : error;
    }
    const { loss, attention, gradients } = stepped;
    const wrong = oddLoss(loss);
    if (wrong) throw yield* this.#lost(wrong, epoch, where);
    const rate = learningRateAt(state.step, this.#steps, options, state.drops);
    const odd = this.#optimizer.update(gradients, state.step + 1, rate);
    if (odd) throw yield* this.#lost(oddGradient(odd, data.names), epoch, where);
    this.#model.touch();
    state.step++;
    this.#averaging.update(state.step, stepsPerEpoch);
    this.#sums.add(loss, attention);

    const now = performance.now();
    if (now - this.#lastProgress >= progressMilliseconds) {
      this.#lastProgress = now;
      yield { type: "progress", name, epoch, step: state.step, steps: this.#steps, loss: loss.total };
      await new Promise(setImmediate);
    }
    if (state.step % stepsPerEpoch !== 0) return;
    state.unvalidated = (epoch + 1) % options.validation.every === 0 || state.step === this.#steps;
    const seconds = (now - this.#epochStarted) / 1000;
    yield { type: "epoch", name, epoch, ...this.#sums.take(stepsPerEpoch), seconds };
    this.#epochStarted = performance.now();
  }

  /** Ranks the parameters, and keeps them if they are the best. If the run is stopped meanwhile, the validation is still to come. */
  async *validate(): AsyncGenerator<TrainEvent> {
    const state = this.#state;
    const epoch = state.step / this.#batches.stepsPerEpoch - 1;
    const before = performance.now();
    this.#swapAverage();
    const measured = yield* this.#measured(epoch);
    const better = measured !== undefined && (state.best === null || measured.metrics.mrr > state.best.metrics.mrr);
    if (better) for (const table of this.#trained) this.#best.get(table.name)!.set(table.data);
    this.#swapAverage();
    if (!measured) return;
    const { metrics, loss } = measured;
    if (better) {
      state.best = { epoch, metrics };
      state.stale = 0;
    } else {
      state.stale++;
      state.drops++;
    }
    state.unvalidated = false;
    const seconds = (performance.now() - before) / 1000;
    yield { type: "validation", name: this.name, epoch, metrics, best: better, loss, seconds };
    this.#epochStarted = performance.now();
  }

  async *#measured(
    epoch: number,
  ): AsyncGenerator<TrainEvent, { readonly metrics: ValidationMetrics; readonly loss: number } | undefined> {
    const { signal } = this.#control;
    try {
      const metrics = await this.#validation.metrics(this.#model, signal);
      return { metrics, loss: this.#validation.loss(this.#model) };
    } catch (error) {
      if (signal?.aborted) return undefined;
      const divergence = divergenceOf(error, this.#plan.data.names);
      throw divergence ? yield* this.#lost(divergence, epoch, `the validation after epoch ${epoch + 1}`) : error;
    }
  }

  /** Puts the best parameters into the model. */
  restoreBest(): TrainResult {
    for (const table of this.#trained) table.data.set(this.#best.get(table.name)!);
    this.#touchAll();
    const { best, step } = this.#state;
    return {
      model: this.#model,
      best: best!,
      epochs: Math.ceil(step / this.#batches.stepsPerEpoch),
      steps: step,
      seconds: this.#elapsed(),
      senior: new Map(this.#objective.extra.map((table) => [table.name.slice(seniorPrefix.length), table.data])),
    };
  }

  /** Says what diverged, with the best so far in the model, and returns the error. */
  *#lost(divergence: Divergence, epoch: number, where: string): Generator<TrainEvent, MuldeError> {
    const { name } = this;
    const { step } = this.#state;
    const best = this.#state.best ? this.restoreBest() : undefined;
    const { reason, value, cause } = divergence;
    yield { type: "diverged", name, epoch, step, reason, best };
    const advice = [
      adviceOn(divergence, step > 0),
      ...(this.#saved > 0 ? [checkpointAdvice(divergence, this.#control.checkpoint!)] : []),
    ];
    const kind = this.#plan.options.model.name;
    const told = `${name} (${kind}) diverged in ${where}: ${reason}. ${advice.join(" ")}`;
    return new MuldeError("TRAINER_DIVERGED", told, { value, cause });
  }

  #swapAverage(): void {
    this.#averaging.swap();
    this.#model.touch();
  }

  /** Teachers that adapt are scored in steps alone, and there touched by their objective. */
  #touchAll(): void {
    for (const own of [this.#model, ...(this.#objective.adapting?.models ?? [])]) own.touch();
  }

  #elapsed(): number {
    return this.#secondsBefore + (performance.now() - this.#started) / 1000;
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
