import { access, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Dataset } from "@mulde/datasets";
import { saveModel } from "@mulde/kge-models";
import type { RunControl, TrainEvent, TrainResult } from "@mulde/mulde-trainer";
import type { Command } from "commander";
import { z } from "zod";
import { hasCode, Interrupted, MuldeError } from "./_errors.js";
import type { EngineInfo } from "./_engine.js";
import { checkedBy } from "./_flags.js";
import { eventLog } from "./_log-file.js";
import { metricsTable, overall, rankSplit } from "./_metrics.js";
import { type Output, paint, version } from "./_output.js";
import { createProgress } from "./_progress.js";
import { duration, size, whole } from "./_table.js";

/** What `train` and `distil` share beside the schemas' options. */
export interface TrainingFlags {
  readonly out: string;
  readonly force?: boolean;
  readonly log?: string;
  readonly checkpointMinutes: number;
}

/** What decides a model's shape stands first in the help. */
export const modelHeading = { "Model:": ["model", "dim", "curvature", "initialCurvature"] } as const;

/** Adds the options of `TrainingFlags`. */
export function addTrainingOptions(command: Command): Command {
  return command
    .requiredOption("--out <dir>", "directory of the trained model and, while it trains, of its checkpoint")
    .option("--force", "train anew even where the directory holds a model or another run's checkpoint")
    .option("--log <file>", "append every event to a file of JSON lines")
    .option("--checkpoint-minutes <number>", "minutes between checkpoints", checkedBy(z.number().min(0), "number"), 5);
}

/** Refuses a directory that holds a finished model, unless told otherwise. */
export async function checkOut({ out, force }: Pick<TrainingFlags, "out" | "force">): Promise<void> {
  if (force || !(await exists(join(out, "config.json")))) return;
  throw new MuldeError(
    "CLI_OUT_TAKEN",
    `${out} already holds a trained model; choose another --out, or use --force to replace it.`,
  );
}

/** A training run for `trainAndSave`. */
export interface Training {
  readonly name: string;
  readonly options: { readonly model: string; readonly dim: number };
  readonly data: Dataset;
  readonly engine: EngineInfo;
  /** Goes into the model's training summary. */
  readonly summary: Readonly<Record<string, unknown>>;
  readonly start: (control: RunControl) => AsyncGenerator<TrainEvent, TrainResult>;
}

/** Trains with live progress, tests and saves the model, and prints the metrics. */
export async function trainAndSave(
  training: Training,
  flags: TrainingFlags,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const { name, data, engine } = training;
  const { out } = flags;
  await makeDirectory(out);
  const checkpoint = join(out, "checkpoint.safetensors");
  const control: RunControl = { name, checkpoint, checkpointMinutes: flags.checkpointMinutes, signal };
  const log = eventLog(flags.log);
  const progress = createProgress(output, [name]);
  let saved: Awaited<ReturnType<typeof save>> | undefined;
  let kept = "";
  try {
    const events = flags.force ? anew(training.start, control) : training.start(control);
    for await (const event of events) {
      progress.show(event);
      log(event);
      if (event.type === "checkpoint") kept = event.path;
      if (event.type === "done") saved = await save(training, event.result, out);
    }
    // Not earlier: until the model is saved, the checkpoint of the finished run is all there is.
    await rm(checkpoint, { force: true });
  } catch (error) {
    if (error instanceof Interrupted && kept !== "") {
      throw new Interrupted(
        error.exitCode,
        `Stopped; ${kept} keeps what was learned. Run the same command again to go on.`,
      );
    }
    throw error;
  } finally {
    progress.stop();
  }
  const { model, result, test } = saved!;
  const report = {
    out,
    model: training.options.model,
    dim: training.options.dim,
    parameters: model.parameters,
    bytes: model.bytes,
    epochs: result.epochs,
    steps: result.steps,
    seconds: result.seconds,
    validation: result.best,
    test: test ?? null,
    kernels: engine.kernels,
  };
  output.result(report, () => {
    const colours = paint(process.stdout);
    const head = `${report.model}, ${report.dim} dimensions, ${whole(report.parameters)} parameters (${size(report.bytes)}), ${duration(report.seconds)}`;
    const metrics = test
      ? `${data.name}, test split, filtered:\n${metricsTable(test)}`
      : `${data.name} has no test triples.`;
    return `${colours.bold(head)}\n${metrics}\nSaved in ${out}`;
  });
}

async function save({ data, engine, summary }: Training, result: TrainResult, out: string) {
  const { model, best, epochs, steps, seconds } = result;
  const test = data.test.length > 0 ? overall(await rankSplit(model, data, "test")) : undefined;
  const senior = Object.fromEntries([...result.senior].map(([table, values]) => [table, Array.from(values)]));
  // With --force an older model is here: without its config.json the directory is not taken for a finished one while files change.
  await rm(join(out, "config.json"), { force: true });
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

/** Starts a run, without the checkpoint of another run if one is in the way. */
async function* anew(start: Training["start"], control: RunControl): AsyncGenerator<TrainEvent, TrainResult> {
  try {
    return yield* start(control);
  } catch (error) {
    if (!hasCode(error, "TRAINER_CHECKPOINT")) throw error;
  }
  await rm(control.checkpoint!, { force: true });
  return yield* start(control);
}

/** Makes a directory for results; clear where a file is in its place. */
export async function makeDirectory(out: string): Promise<void> {
  try {
    await mkdir(out, { recursive: true });
  } catch (cause) {
    throw new MuldeError(
      "CLI_OUT",
      `The directory ${out} cannot be made (${(cause as Error).message}); choose another --out.`,
      {
        cause,
      },
    );
  }
}

/** Whether something is at a path. */
export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
