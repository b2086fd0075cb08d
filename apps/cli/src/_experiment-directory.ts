import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Dataset } from "@mulde/datasets";
import { fileError } from "@mulde/errors";
import { writeWhole } from "@mulde/kge-models";
import { differences, type Experiment, type JuniorPlan, type Row, type TeacherPlan } from "@mulde/mulde-trainer";
import type { EngineInfo } from "./_engine.js";
import { MuldeError } from "./_errors.js";
import { readExperiment } from "./_experiment-file.js";
import { exists } from "./_files.js";
import { version } from "./_output.js";
import { z } from "zod";

const copyName = "experiment.yaml";
const reportName = "report.json";

// What is read of a report, so that a damaged one is refused here.
const reportSchema = z.looseObject({
  experiment: z.looseObject({ teachers: z.array(z.looseObject({ name: z.string() })), variants: z.array(z.unknown()) }),
  dataset: z.looseObject({ fingerprint: z.string() }),
  rows: z.array(
    z.looseObject({ role: z.string(), name: z.string(), mrr: z.number(), hits: z.record(z.string(), z.number()) }),
  ),
});

/** `report.json` of an experiment's directory. */
export interface Report {
  readonly experiment: Experiment;
  readonly dataset: { readonly name: string; readonly fingerprint: string };
  readonly kernels: string;
  readonly version: string;
  readonly rows: readonly Row[];
}

/**
 * Refuses the directory of another experiment, or of a single model. Experiments are the same if the same options differ from their neutral
 * values, so that a new option makes no other one of them; their variants, their titles and the paths of their saved teachers may
 * differ. A directory in which nothing was trained yet can be taken over.
 *
 * @throws MuldeError CLI_FOREIGN_EXPERIMENT, CLI_OUT_TAKEN
 */
export async function checkDirectory(out: string, experiment: Experiment): Promise<void> {
  if (await exists(join(out, "config.json"))) {
    const reason = "the directory holds a trained model; choose another --out for the experiment.";
    throw new MuldeError("CLI_OUT_TAKEN", reason, { file: out });
  }
  const copy = join(out, copyName);
  if (!(await exists(copy)) || !(await anythingTrained(out))) return;
  if (identity(await copied(copy)) === identity(experiment)) return;
  throw new MuldeError(
    "CLI_FOREIGN_EXPERIMENT",
    `the directory belongs to another experiment (see ${copyName} there); choose another --out, or delete it to start anew.`,
    { file: out },
  );
}

/** The experiment that a directory keeps a copy of; undefined if it cannot be read any more. */
async function copied(copy: string): Promise<Experiment | undefined> {
  const text = await read(copy);
  try {
    return readExperiment(text, copy);
  } catch (error) {
    if (error instanceof MuldeError) return undefined;
    throw error;
  }
}

/** Whether a directory holds a model or a checkpoint of one. */
async function anythingTrained(out: string): Promise<boolean> {
  for (const entry of await readdir(out, { withFileTypes: true })) {
    if (entry.name.endsWith(".checkpoint.safetensors")) return true;
    if (entry.isDirectory() && (await exists(join(out, entry.name, "config.json")))) return true;
  }
  return false;
}

/** What the models of an experiment depend on, variants aside. Saved teachers are compared by their contents when they teach. */
function identity(experiment: Experiment | undefined): string | undefined {
  if (!experiment) return undefined;
  const { data, teachers, undistilled, junior, juniorTeachers } = experiment;
  return JSON.stringify([
    data,
    teachers.map(teacherIdentity),
    undistilled ? differences(undistilled) : null,
    differences(junior),
    juniorTeachers,
  ]);
}

function teacherIdentity(plan: TeacherPlan): unknown[] {
  return plan.from === undefined ? [plan.name, differences(plan.options), plan.teachers ?? null] : [plan.name, "from"];
}

function variantIdentity({ name, options, teachers, undistilled }: JuniorPlan): unknown[] {
  return [name, differences(options), teachers, undistilled ? differences(undistilled) : null];
}

/** What may differ between two calls of one experiment, and then makes it unfinished. */
function changeable({ teachers, variants }: Experiment): string {
  return JSON.stringify([teachers.map(({ from }) => from ?? null), variants.map(variantIdentity)]);
}

/** The report of an experiment that is done: for this data, with the same variants and saved teachers, and every model still there. */
export async function finishedReport(out: string, experiment: Experiment, data: Dataset): Promise<Report | undefined> {
  if (!(await hasReport(out))) return undefined;
  const path = join(out, reportName);
  const text = await read(path);
  let report: Report;
  try {
    report = reportSchema.parse(JSON.parse(text)) as unknown as Report;
  } catch (cause) {
    const reason = "this is no report of an experiment; delete the file, and the next run writes it anew.";
    throw new MuldeError("CLI_REPORT", reason, { file: path, cause });
  }
  // With other data the run says which model does not fit.
  if (report.dataset.fingerprint !== data.fingerprint) return undefined;
  if (changeable(report.experiment) !== changeable(experiment)) return undefined;
  const elsewhere = new Set(report.experiment.teachers.flatMap(({ name, from }) => (from === undefined ? [] : [name])));
  for (const { role, name } of report.rows) {
    if (role !== "senior" && !elsewhere.has(name) && !(await exists(join(out, name, "config.json")))) return undefined;
  }
  return report;
}

/** Whether an experiment ended in a directory once; variants may have been added since. */
export function hasReport(out: string): Promise<boolean> {
  return exists(join(out, reportName));
}

/** Keeps the experiment's text with its models. */
export function writeCopy(out: string, text: string): Promise<void> {
  return write(join(out, copyName), text);
}

/** Writes `report.json`. */
export function writeReport(
  out: string,
  experiment: Experiment,
  data: Dataset,
  { kernels }: EngineInfo,
  rows: readonly Row[],
): Promise<void> {
  const dataset = { name: data.name, fingerprint: data.fingerprint };
  const report: Report = { experiment, dataset, kernels, version, rows };
  return write(join(out, reportName), `${JSON.stringify(report, null, 2)}\n`);
}

async function read(file: string): Promise<string> {
  return readFile(file, "utf8").catch((cause: unknown) => {
    throw fileError("CLI_FILE", "read", file, cause);
  });
}

async function write(file: string, text: string): Promise<void> {
  await writeWhole(file, text).catch((cause: unknown) => {
    throw fileError("CLI_FILE", "written", file, cause);
  });
}
