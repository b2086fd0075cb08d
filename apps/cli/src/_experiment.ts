import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type Dataset, listDatasets } from "@mulde/datasets";
import { writeWhole } from "@mulde/kge-models";
import { type Experiment, parseExperiment, type Row, runPipeline, stageNames } from "@mulde/mulde-trainer";
import { isMap, LineCounter, parseDocument } from "yaml";
import { openData } from "./_data.js";
import { type EngineInfo, logEngine } from "./_engine.js";
import { Interrupted, MuldeError } from "./_errors.js";
import { interruptible } from "./_interrupt.js";
import { eventLog } from "./_log-file.js";
import { type Output, version } from "./_output.js";
import { createProgress } from "./_progress.js";
import { exists, makeDirectory } from "./_training.js";
import { placeOf } from "./_yaml-place.js";

/** What an experiment ends with. */
export interface Outcome {
  readonly rows: readonly Row[];
  readonly experiment: Experiment;
  readonly data: string;
  /** whether it was done before this call */
  readonly doneBefore: boolean;
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

/** `report.json` of an experiment's directory. */
interface Report {
  readonly experiment: Experiment;
  readonly dataset: { readonly name: string; readonly fingerprint: string };
  readonly kernels: string;
  readonly version: string;
  readonly rows: readonly Row[];
}

const copyName = "experiment.yaml";
const reportName = "report.json";

/**
 * An experiment from the text of a YAML file. Sections may share options by anchors and merge keys (`<<: *other`).
 *
 * @param file - Named in errors.
 * @throws MuldeError CLI_YAML naming file and line where the text is no YAML; TRAINER_OPTION naming file, line and field
 */
export function readExperiment(text: string, file: string): Experiment {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  const [error] = document.errors;
  if (error) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw new MuldeError("CLI_YAML", `${file}:${line}:${col}: ${error.message.replace(/\.?$/, ".")}`, { cause: error });
  }
  try {
    return parseExperiment(document.toJS(), file);
  } catch (cause) {
    throw placeOf(cause, file, document, lines);
  }
}

/** The text of an experiment with another seed. Text that is no experiment stays as it is, for `readExperiment` to say so. */
function withSeed(text: string, seed: number): string {
  const document = parseDocument(text);
  if (document.errors.length > 0 || !isMap(document.contents)) return text;
  document.set("seed", seed);
  return document.toString({ lineWidth: 0 });
}

/** Runs the experiment of a YAML file into a directory, resumes it there, or reads what came out when it was done. */
export async function runExperiment({ file, out, log, seed }: ExperimentFlags, output: Output): Promise<Outcome> {
  const written = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new MuldeError("CLI_NOT_FOUND", `The experiment ${file} cannot be read; check the path.`, { cause });
  });
  const text = seed === undefined ? written : withSeed(written, seed);
  const experiment = beside(file, readExperiment(text, file));
  await checkDirectory(out, experiment, file);
  const engine = await logEngine(output);
  return interruptible(async (signal) => {
    const data = await openData(await dataPath(experiment.data, file), output, { signal });
    const done = await finished(out, experiment, data);
    if (done) {
      output.log(`${experiment.name} is done already: these are its results from ${out}.`);
      return { rows: done.rows, experiment, data: data.name, doneBefore: true };
    }
    await makeDirectory(out);
    await writeWhole(join(out, copyName), text);
    const rows = await runStages(experiment, data, { out, signal, ...(log !== undefined && { log }) }, output);
    await writeReport(out, experiment, data, engine, rows);
    return { rows, experiment, data: data.name, doneBefore: false };
  });
}

async function runStages(
  experiment: Experiment,
  data: Dataset,
  { out, log, signal }: { readonly out: string; readonly log?: string; readonly signal: AbortSignal },
  output: Output,
): Promise<readonly Row[]> {
  const append = eventLog(log);
  const progress = createProgress(output, stageNames(experiment));
  const events = runPipeline(experiment, { data, out, signal });
  try {
    for (;;) {
      const next = await events.next();
      if (next.done) return next.value;
      progress.show(next.value);
      append(next.value);
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    throw new Interrupted(
      error.exitCode,
      `Stopped; ${out} keeps what was learned. Run the same command again to go on.`,
    );
  } finally {
    progress.stop();
  }
}

/** Refuses a directory of another experiment, or of a single model. Other variants make it no other one. */
async function checkDirectory(out: string, experiment: Experiment, file: string): Promise<void> {
  const copy = join(out, copyName);
  if (await exists(copy)) {
    let other: Experiment | undefined;
    try {
      other = beside(file, readExperiment(await readFile(copy, "utf8"), copy));
    } catch {
      // Not one that can be told to be this one.
    }
    const main = (whole: Experiment): string => JSON.stringify({ ...whole, variants: [] });
    if (other && main(other) === main(experiment)) return;
    throw new MuldeError(
      "CLI_FOREIGN_EXPERIMENT",
      `${out} belongs to another experiment (see ${copy}); choose another --out, or delete that directory to start anew.`,
    );
  }
  if (await exists(join(out, "config.json"))) {
    throw new MuldeError("CLI_OUT_TAKEN", `${out} holds a trained model; choose another --out for the experiment.`);
  }
}

/** Paths of teachers as they are from the YAML file's directory. */
function beside(file: string, experiment: Experiment): Experiment {
  const teachers = experiment.teachers.map((teacher) =>
    teacher.from === undefined ? teacher : { ...teacher, from: resolve(dirname(file), teacher.from) },
  );
  return { ...experiment, teachers };
}

/** A name of the registry, or a path: from the YAML file's directory if it is there, else from the working directory. */
async function dataPath(data: string, file: string): Promise<string> {
  if (listDatasets().some(({ name }) => name.toLowerCase() === data.toLowerCase())) return data;
  const beside = resolve(dirname(file), data);
  return (await exists(beside)) ? beside : data;
}

/** The report of an experiment that is done: for this data, with every variant, and every model still there. */
async function finished(out: string, experiment: Experiment, data: Dataset): Promise<Report | undefined> {
  const path = join(out, reportName);
  if (!(await exists(path))) return undefined;
  let report: Report;
  try {
    report = JSON.parse(await readFile(path, "utf8")) as Report;
  } catch (cause) {
    throw new MuldeError("CLI_REPORT", `${path} is not JSON; delete it, and the next run writes it anew.`, { cause });
  }
  // With other data the pipeline says which model does not fit.
  if (report.dataset.fingerprint !== data.fingerprint) return undefined;
  // Variants may have come or gone since.
  if (JSON.stringify(report.experiment.variants) !== JSON.stringify(experiment.variants)) return undefined;
  const elsewhere = new Set(report.experiment.teachers.flatMap(({ name, from }) => (from === undefined ? [] : [name])));
  for (const { role, name } of report.rows) {
    if (role !== "senior" && !elsewhere.has(name) && !(await exists(join(out, name, "config.json")))) return undefined;
  }
  return report;
}

async function writeReport(
  out: string,
  experiment: Experiment,
  data: Dataset,
  { kernels }: EngineInfo,
  rows: readonly Row[],
): Promise<void> {
  const dataset = { name: data.name, fingerprint: data.fingerprint };
  const report: Report = { experiment, dataset, kernels, version, rows };
  await writeWhole(join(out, reportName), `${JSON.stringify(report, null, 2)}\n`);
}
