import type { Dataset } from "@mulde/datasets";
import { type Experiment, type Lock, lockDirectory, type Row, runExperiment, stageNames } from "@mulde/mulde-trainer";
import { openData } from "./_data.js";
import { logEngine } from "./_engine.js";
import { hasCode, Interrupted } from "./_errors.js";
import { checkDirectory, finishedReport, hasReport, writeCopy, writeReport } from "./_experiment-directory.js";
import { dataPath, openExperiment } from "./_experiment-file.js";
import { interruptible } from "./_interrupt.js";
import { eventLog } from "./_log-file.js";
import type { Output } from "./_output.js";
import { createProgress } from "./_progress.js";

/** What an experiment ends with. */
export interface Outcome {
  readonly rows: readonly Row[];
  /** the data set's name */
  readonly data: string;
}

/** How to run an experiment. */
export interface ExperimentFlags {
  /** path of the YAML file */
  readonly file: string;
  readonly out: string;
  readonly log?: string;
  readonly checkpointMinutes?: number;
  /** in place of the file's own */
  readonly seed?: number;
}

/** Runs the experiment of a YAML file into a directory, resumes it there, or reads what came out when it was done. */
export async function runFile({ file, seed, ...flags }: ExperimentFlags, output: Output): Promise<Outcome> {
  const { out } = flags;
  const { text, experiment } = await openExperiment(file, seed);
  let lock = await lockUnlessDone(out);
  try {
    await checkDirectory(out, experiment);
    const engine = await logEngine(output);
    return await interruptible(async (signal) => {
      const data = await openData(await dataPath(experiment.data, file), output, { signal });
      signal.throwIfAborted();
      const done = await finishedReport(out, experiment, data);
      if (done) {
        output.log(`${experiment.name} is done already: these are its results from ${out}.`);
        return { rows: done.rows, data: data.name };
      }
      lock ??= lockDirectory(out);
      const rows = await runStages(experiment, data, { ...flags, text, lock, signal }, output);
      await writeReport(out, experiment, data, engine, rows);
      return { rows, data: data.name };
    });
  } finally {
    lock?.release();
  }
}

/** The lock of a directory; none where nothing can be written, but an experiment is done and can be shown. */
async function lockUnlessDone(out: string): Promise<Lock | undefined> {
  try {
    return lockDirectory(out);
  } catch (error) {
    if (hasCode(error, "TRAINER_NOT_WRITABLE") && (await hasReport(out))) return undefined;
    throw error;
  }
}

interface Stages extends Omit<ExperimentFlags, "file" | "seed"> {
  readonly text: string;
  readonly lock: Lock;
  readonly signal: AbortSignal;
}

async function runStages(
  experiment: Experiment,
  data: Dataset,
  { text, log, ...rest }: Stages,
  output: Output,
): Promise<readonly Row[]> {
  const { out } = rest;
  // Refuses data that it cannot use before anything is written.
  const run = runExperiment(experiment, { data, ...rest });
  const events = eventLog(log, output);
  const progress = createProgress(output, stageNames(experiment));
  try {
    for await (const event of run) {
      // All is checked by then, the teachers' directories too.
      if (event.type === "pipeline") await writeCopy(out, text);
      progress.show(event);
      events.append(event);
    }
    return await run.result;
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    throw new Interrupted(error.exitCode, `Stopped; ${out} keeps what was learned. Run the same command to go on.`);
  } finally {
    progress.stop();
    events.close();
  }
}
