import type { Dataset } from "@mulde/datasets";
import { type Experiment, type Row, runExperiment, stageNames } from "@mulde/mulde-trainer";
import { openData } from "./_data.js";
import { logEngine } from "./_engine.js";
import { Interrupted } from "./_errors.js";
import { checkDirectory, finishedReport, writeCopy, writeReport } from "./_experiment-directory.js";
import { dataPath, openExperiment } from "./_experiment-file.js";
import { makeDirectory } from "./_files.js";
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
  /** in place of the file's own */
  readonly seed?: number;
}

/** Runs the experiment of a YAML file into a directory, resumes it there, or reads what came out when it was done. */
export async function runFile({ file, out, log, seed }: ExperimentFlags, output: Output): Promise<Outcome> {
  const { text, experiment } = await openExperiment(file, seed);
  await checkDirectory(out, experiment);
  const engine = await logEngine(output);
  return interruptible(async (signal) => {
    const data = await openData(await dataPath(experiment.data, file), output, { signal });
    const done = await finishedReport(out, experiment, data);
    if (done) {
      output.log(`${experiment.name} is done already: these are its results from ${out}.`);
      return { rows: done.rows, data: data.name };
    }
    const rows = await runStages(experiment, data, { text, out, log, signal }, output);
    await writeReport(out, experiment, data, engine, rows);
    return { rows, data: data.name };
  });
}

interface Stages {
  readonly text: string;
  readonly out: string;
  readonly log: string | undefined;
  readonly signal: AbortSignal;
}

async function runStages(
  experiment: Experiment,
  data: Dataset,
  { text, out, log, signal }: Stages,
  output: Output,
): Promise<readonly Row[]> {
  // Refuses data that it cannot use before there is a directory.
  const run = runExperiment(experiment, { data, out, signal });
  await makeDirectory(out);
  await writeCopy(out, text);
  const append = eventLog(log);
  const progress = createProgress(output, stageNames(experiment));
  try {
    for await (const event of run) {
      progress.show(event);
      append(event);
    }
    return await run.result;
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    throw new Interrupted(error.exitCode, `Stopped; ${out} keeps what was learned. Run the same command to go on.`);
  } finally {
    progress.stop();
  }
}
