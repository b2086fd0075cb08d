import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Dataset } from "@mulde/datasets";
import { type KgeModel, saveModel } from "@mulde/kge-models";
import {
  evaluateModel,
  type RunControl,
  type TrainEvent,
  type TrainingRun,
  type TrainResult,
} from "@mulde/mulde-trainer";
import type { MuldeCommand } from "./_command.js";
import type { EngineInfo } from "./_engine.js";
import { hasCode, Interrupted, MuldeError } from "./_errors.js";
import { exists, makeDirectory } from "./_files.js";
import { numberAtLeast } from "./_flags.js";
import { eventLog } from "./_log-file.js";
import { type Metrics, metricsTable, overall } from "./_metrics.js";
import { type Output, paint, version } from "./_output.js";
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
    .requiredOption("--out <dir>", "directory of the model, and of its checkpoint")
    .option("--force", "replace a model or a checkpoint that is there")
    .option("--log <file>", "append all events as JSON lines")
    .option("--checkpoint-minutes <n>", "between checkpoints", numberAtLeast(0), 5);
}

/** Refuses a directory that holds a finished model, unless told otherwise. */
export async function checkOut({ out, force }: Pick<TrainingFlags, "out" | "force">): Promise<void> {
  if (force || !(await exists(join(out, "config.json")))) return;
  const reason = "the directory holds a trained model; choose another --out, or replace it with --force.";
  throw new MuldeError("CLI_OUT_TAKEN", reason, { file: out });
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
  const { name, start } = training;
  const checkpoint = join(out, "checkpoint.safetensors");
  const control = { name, checkpoint, checkpointMinutes, signal };
  // Refuses what does not go together before there is a directory.
  const run = start(control);
  await makeDirectory(out);
  const append = eventLog(log);
  const progress = createProgress(output, [name]);
  let saved: Saved | undefined;
  let kept: string | undefined;
  try {
    for await (const event of force ? anew(run, () => start(control), checkpoint) : run) {
      progress.show(event);
      append(event);
      if (event.type === "checkpoint") kept = event.path;
      if (event.type === "done") saved = await save(training, event.result, out);
    }
    // Not earlier: until the model is saved, the checkpoint of the finished run is all there is.
    await rm(checkpoint, { force: true });
    return saved!;
  } catch (error) {
    if (!(error instanceof Interrupted) || kept === undefined) throw error;
    throw new Interrupted(error.exitCode, `Stopped; ${kept} keeps what was learned. Run the same command to go on.`);
  } finally {
    progress.stop();
  }
}

async function save({ data, engine, summary }: Training, result: TrainResult, out: string): Promise<Saved> {
  const { model, best, epochs, steps, seconds } = result;
  const test = data.test.length > 0 ? overall(await evaluateModel(model, data)) : undefined;
  const senior = Object.fromEntries([...result.senior].map(([table, values]) => [table, Array.from(values)]));
  await saveModel(model, out, {
    entities: data.entities.names,
    relations: data.relations.names,
    dataset: { name: data.name, fingerprint: data.fingerprint },
    training: {
      ...summary,
      epochs,
      steps,
      seconds,
      validation: best,
      ...(test && { test }),
      ...(result.senior.size > 0 && { senior }),
      kernels: engine.kernels,
      version,
    },
  });
  return { model, result, test };
}

/** The events of a run, started again without the checkpoint if that is another run's. */
async function* anew(run: TrainingRun, restart: () => TrainingRun, checkpoint: string): AsyncGenerator<TrainEvent> {
  try {
    yield* run;
    return;
  } catch (error) {
    if (!hasCode(error, "TRAINER_CHECKPOINT")) throw error;
  }
  await rm(checkpoint, { force: true });
  yield* restart();
}
