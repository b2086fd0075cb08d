import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Dataset } from "@mulde/datasets";
import { endSave, type KgeModel, type ModelInfo, saveModel } from "@mulde/kge-models";
import {
  evaluateModel,
  keepBest,
  lockDirectory,
  type RunControl,
  type TrainEvent,
  type TrainingRun,
  type TrainResult,
} from "@mulde/mulde-trainer";
import type { MuldeCommand } from "./_command.js";
import type { EngineInfo } from "./_engine.js";
import { hasCode, Interrupted, MuldeError } from "./_errors.js";
import { exists } from "./_files.js";
import { numberAtLeast, pathFrom } from "./_flags.js";
import { interruptible } from "./_interrupt.js";
import { eventLog } from "./_log-file.js";
import { type Metrics, metricsTable, overall } from "./_metrics.js";
import { type Output, version } from "./_output.js";
import { paint } from "./_paint.js";
import { createProgress } from "./_progress.js";
import { duration, size, whole } from "./_table.js";
import { wrapped } from "./_text.js";

/** What `train` and `distil` share beside the options of the run. */
export interface TrainingFlags {
  readonly out: string;
  readonly force?: boolean;
  readonly log?: string;
  readonly checkpointMinutes: number;
}

/** Adds the options of `TrainingFlags`. */
export function addTrainingOptions(command: MuldeCommand): MuldeCommand {
  return command
    .requiredOption("--out <dir>", "directory of the model, and of its checkpoint", pathFrom)
    .option("--force", "replace a model or a checkpoint that is there")
    .option("--log <file>", "append all events as JSON lines", pathFrom)
    .option("--checkpoint-minutes <n>", "between checkpoints", numberAtLeast(0), 5);
}

/**
 * Does work that ends with a model in a directory, and can be stopped. Until then no other process works there.
 *
 * @throws MuldeError CLI_OUT_TAKEN if the directory holds a finished model, unless it may be replaced; TRAINER_LOCKED, TRAINER_NOT_WRITABLE
 */
export async function intoDirectory<T>(
  { out, force }: Pick<TrainingFlags, "out" | "force">,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const lock = lockDirectory(out);
  try {
    if (force || !(await exists(join(out, "config.json")))) return await interruptible(work);
    await endSave(out);
    const reason = "the directory holds a trained model; choose another --out, or replace it with --force.";
    throw new MuldeError("CLI_OUT_TAKEN", reason, { file: out });
  } finally {
    lock.release();
  }
}

/** A training run for `trainAndSave`. */
export interface Training {
  readonly name: string;
  readonly options: { readonly model: { readonly name: string; readonly dim: number } };
  readonly data: Dataset;
  readonly engine: EngineInfo;
  /** Goes into the model's training summary. */
  readonly summary: Readonly<Record<string, unknown>>;
  readonly start: (control: RunControl) => TrainingRun;
}

/** A model that was trained, ranked and saved. */
interface Saved {
  readonly model: KgeModel;
  readonly result: TrainResult;
  readonly test: Metrics | undefined;
}

/** Trains with live progress, tests and saves the model, and prints the metrics. */
export async function trainAndSave(
  training: Training,
  flags: TrainingFlags,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const { out } = flags;
  const saved = await trained(training, flags, output, signal);
  const { model, result, test } = saved;
  const report = {
    out,
    model: training.options.model.name,
    dim: training.options.model.dim,
    parameters: model.parameters,
    bytes: model.bytes,
    epochs: result.epochs,
    steps: result.steps,
    seconds: result.seconds,
    validation: result.best,
    test: test ?? null,
    kernels: training.engine.kernels,
  };
  output.result(report, () => {
    const parameters = `${whole(report.parameters)} parameters (${size(report.bytes)})`;
    const head = `${report.model}, ${report.dim} dimensions, ${parameters}, ${duration(report.seconds)}`;
    const { name } = training.data;
    const metrics = test ? `${name}, test split, filtered:\n${metricsTable(test)}` : `${name} has no test triples.`;
    return `${paint(process.stdout).bold(wrapped(head))}\n${metrics}\nSaved in ${out}`;
  });
}

async function trained(
  training: Training,
  { out, force, log, checkpointMinutes }: TrainingFlags,
  output: Output,
  signal: AbortSignal,
): Promise<Saved> {
  const { name } = training;
  const checkpoint = join(out, "checkpoint.safetensors");
  const start = () =>
    keepBest(training.start({ name, checkpoint, checkpointMinutes, signal }), join(out, "diverged"), info(training));
  // Refuses what does not go together before there is a log.
  const first = start();
  const events = eventLog(log, output);
  const progress = createProgress(output, [name]);
  let result: TrainResult | undefined;
  let kept = false;
  try {
    for await (const event of force ? anew(first, start, checkpoint) : first) {
      progress.show(event);
      events.append(event);
      if (event.type === "checkpoint" || (event.type === "start" && event.resumedAt > 0)) kept = true;
      if (event.type === "done") result = event.result;
    }
    // After the run has ended, which gives its lock back: whoever is killed from here on leaves only the directory's.
    const saved = await save(training, result!, out, signal);
    // Not earlier: until the model is saved, the checkpoint of the finished run is all there is.
    await rm(checkpoint, { force: true });
    return saved;
  } catch (error) {
    if (!(error instanceof Interrupted)) {
      if (result && kept) output.log(`${checkpoint} keeps what was learned; run the same command to save the model.`);
      throw error;
    }
    if (!kept) throw error;
    throw new Interrupted(
      error.exitCode,
      `Stopped; ${checkpoint} keeps what was learned. Run the same command to go on.`,
    );
  } finally {
    progress.stop();
    events.close();
  }
}

async function save(training: Training, result: TrainResult, out: string, signal: AbortSignal): Promise<Saved> {
  const { data } = training;
  const { model, best, epochs, steps, seconds } = result;
  const test = data.test.length > 0 ? overall(await evaluateModel(model, data, "test", { signal })) : undefined;
  const senior = Object.fromEntries([...result.senior].map(([table, values]) => [table, Array.from(values)]));
  signal.throwIfAborted();
  await saveModel(
    model,
    out,
    info(training, {
      epochs,
      steps,
      seconds,
      validation: best,
      ...(test && { test }),
      ...(result.senior.size > 0 && { senior }),
    }),
  );
  return { model, result, test };
}

/** What a model directory holds beside the model. */
function info({ data, summary, engine }: Training, trained: Readonly<Record<string, unknown>> = {}): ModelInfo {
  return {
    entities: data.entities.names,
    relations: data.relations.names,
    dataset: { name: data.name, fingerprint: data.fingerprint },
    training: { ...summary, ...trained, kernels: engine.kernels, version },
  };
}

/** The events of a run, started again without the checkpoint if that is another run's. */
async function* anew(
  run: AsyncIterable<TrainEvent>,
  restart: () => AsyncIterable<TrainEvent>,
  checkpoint: string,
): AsyncGenerator<TrainEvent> {
  try {
    yield* run;
    return;
  } catch (error) {
    if (!hasCode(error, "TRAINER_CHECKPOINT")) throw error;
  }
  await rm(checkpoint, { force: true });
  yield* restart();
}
