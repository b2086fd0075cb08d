import { createHash } from "node:crypto";
import { access, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Dataset } from "@mulde/datasets";
import { evaluate, type RankingReport, type Scorer } from "@mulde/eval";
import type { Kernels } from "@mulde/kernels";
import { type KgeModel, loadModel, modelScorer, modelTeacher, saveModel } from "@mulde/kge-models";
import { runFingerprint } from "./checkpoint.js";
import { prepareData } from "./data.js";
import { MuldeError } from "@mulde/errors";
import type { TrainEvent, TrainResult } from "./events.js";
import { type DistilPlan, type Experiment, type JuniorPlan, stageNames, twinName } from "./experiment.js";
import type { RunControl } from "./loop.js";
import { openModel } from "./open-model.js";
import type { TrainOptions } from "./options.js";
import { seniorParts } from "./senior-parts.js";
import { seniorScorer } from "./senior-scorer.js";
import { distil, pretrainTeacher } from "./train.js";

/** What a model is in an experiment. */
export type Role = "teacher" | "undistilled" | "distilled" | "senior";

/** One line of an experiment's table: the test split, filtered, realistic ranks, both directions. */
export interface Row {
  readonly role: Role;
  /** the teacher's or variant's name, or the role */
  readonly name: string;
  readonly model: string;
  readonly dim: number;
  readonly parameters: number;
  /** of the parameters in float32 */
  readonly bytes: number;
  readonly mrr: number;
  readonly mr: number;
  readonly hits: Readonly<Record<string, number>>;
  readonly headMrr: number;
  readonly tailMrr: number;
  /** epochs trained */
  readonly epochs: number;
  readonly seed: number;
  /** of training with its validations */
  readonly seconds: number;
}

/** What a pipeline reports: the events of its runs, and each model as it is done. */
export type PipelineEvent =
  | { readonly type: "pipeline"; readonly name: string; readonly stages: readonly string[] }
  | { readonly type: "skipped"; readonly name: string; readonly row: Row }
  | { readonly type: "row"; readonly name: string; readonly row: Row }
  | TrainEvent;

export interface PipelineContext {
  readonly data: Dataset;
  /** Each model gets a directory here; a run into the same directory goes on where it was left. */
  readonly out: string;
  readonly kernels?: Kernels;
  readonly checkpointMinutes?: number;
  readonly signal?: AbortSignal;
}

interface Stage {
  readonly role: Role;
  readonly name: string;
  readonly options: { readonly model: string; readonly dim: number; readonly seed: number };
  readonly train: (control: RunControl) => AsyncGenerator<TrainEvent, TrainResult>;
  /** what the result depends on beside the data */
  readonly identity: readonly unknown[];
  /** the row of the Senior that taught the model, of whose teachers nothing is left later where they adapted */
  readonly seniorRow?: (row: Row, senior: SeniorParameters) => Promise<Row>;
}

/**
 * Runs a whole experiment: the teachers, the undistilled Junior, the distilled one, and its variants. Every model is saved as soon as it is done,
 * with its row; models that are there already, of the same options and data, are loaded instead. Teachers that adapt are saved as they
 * were before: their last state is only in the Senior's row, kept with the distilled model. Seniors of variants and of
 * teachers have no row. The models' memory is given back in the end: load what is needed from `out`.
 *
 * @throws MuldeError TRAINER_FOREIGN if a directory holds a model of another experiment
 */
export async function* runPipeline(
  experiment: Experiment,
  context: PipelineContext,
): AsyncGenerator<PipelineEvent, readonly Row[]> {
  const { data, kernels } = context;
  const shared = {
    data,
    ...(kernels && { kernels }),
    ...(context.signal && { signal: context.signal }),
    ...(context.checkpointMinutes !== undefined && { checkpointMinutes: context.checkpointMinutes }),
  };
  const { teachers, undistilled, junior, juniorTeachers, variants } = experiment;
  yield { type: "pipeline", name: experiment.name, stages: stageNames(experiment) };

  const rows: Row[] = [];
  const models: KgeModel[] = [];
  try {
    // What each teacher depends on beside the data.
    const identities: unknown[] = [];
    const untaught = (role: Role, name: string, options: TrainOptions) => {
      const train = (control: RunControl) => pretrainTeacher(options, { ...shared, ...control });
      return runStage({ role, name, options, train, identity: [options] }, context);
    };
    const taught = async function* (
      role: Role,
      { name, options, teachers: by }: DistilPlan,
      rest: Pick<Stage, "seniorRow"> = {},
    ) {
      const own = by.map((i) => models[i]!);
      const asTeachers = own.map((model, i) => modelTeacher(model, teachers[by[i]!]!.name));
      // Those that adapt teach the next model as they were.
      const before = options.adaptFrom > 0 ? own.map(copyOf) : [];
      const train = (control: RunControl) =>
        distil(options, { ...shared, ...control, teachers: asTeachers, adapting: own });
      const identity = [options, by.map((i) => identities[i])];
      const result = yield* runStage({ role, name, options, train, identity, ...rest }, context);
      before.forEach((tables, i) => restore(own[i]!, tables));
      return result;
    };
    for (const plan of teachers) {
      if (plan.from !== undefined) {
        const { model, row, hash } = yield* savedTeacher(plan.name, plan.from, context);
        models.push(model);
        rows.push(row);
        identities.push([plan, hash]);
        continue;
      }
      const { model, row, run } = yield* plan.teachers
        ? taught("teacher", plan)
        : untaught("teacher", plan.name, plan.options);
      models.push(model);
      rows.push(row);
      identities.push([plan.name, run]);
    }
    const main: JuniorPlan = { name: "distilled", options: junior, undistilled, teachers: juniorTeachers };
    for (const plan of [main, ...variants]) {
      if (plan.undistilled) {
        const { model, row } = yield* untaught("undistilled", twinName(plan), plan.undistilled);
        model.dispose();
        rows.push(row);
      }
      const own = plan.teachers.map((i) => models[i]!);
      const { model, row, seniorRow } = yield* taught("distilled", plan, {
        ...(plan === main && { seniorRow: (junior, senior) => seniorOf(plan, own, junior, senior, data) }),
      });
      model.dispose();
      rows.push(row, ...(seniorRow ? [seniorRow] : []));
    }
    return rows;
  } finally {
    for (const model of models) model.dispose();
  }
}

/** A teacher that was trained before, ranked as if it had been trained here, with a hash of its parameters. */
async function* savedTeacher(
  name: string,
  from: string,
  { data, kernels }: PipelineContext,
): AsyncGenerator<PipelineEvent, { readonly model: KgeModel; readonly row: Row; readonly hash: string }> {
  const { model, training } = await openModel(from, data, "The teacher", kernels);
  const { epochs = 0 } = (training ?? {}) as { readonly epochs?: number };
  const hash = createHash("sha256");
  for (const { data: values } of model.tables.values()) hash.update(values);
  const row = toRow(await test(modelScorer(model), data), {
    role: "teacher",
    name,
    model: model.config.model,
    dim: model.dim,
    parameters: model.parameters,
    epochs,
    seed: 0,
    seconds: 0,
  });
  yield { type: "row", name, row };
  return { model, row, hash: hash.digest("hex") };
}

/** The Senior ranked like a model, with what it learned beside the Junior. */
async function seniorOf(
  { options: junior }: JuniorPlan,
  models: readonly KgeModel[],
  row: Row,
  senior: SeniorParameters,
  data: Dataset,
): Promise<Row> {
  const { scaling, normalization } = seniorParts(junior, 2 * data.relations.size, models.length);
  for (const { name, value } of scaling!.parameters()) value.set(senior[name]!);
  const parameters = scaling!.parameters().reduce((sum, { value }) => sum + value.length, 0);
  const scorer = seniorScorer(
    { normalization, scales: (relations) => scaling!.scales(relations, models.length) },
    models,
  );
  return toRow(await test(scorer, data), {
    role: "senior",
    name: "senior",
    model: models.map(({ config }) => config.model).join("+"),
    dim: Math.max(...models.map(({ dim }) => dim)),
    parameters: parameters + models.reduce((sum, model) => sum + model.parameters, 0),
    epochs: row.epochs,
    seed: junior.seed,
    seconds: 0,
  });
}

/** The trained scaling of a distilled model's Senior, as its directory keeps it. */
type SeniorParameters = Readonly<Record<string, readonly number[]>>;

interface StageResult {
  readonly model: KgeModel;
  /** fingerprint of all that the model depends on */
  readonly run: string;
  readonly row: Row;
  readonly seniorRow?: Row;
}

interface Saved extends Omit<StageResult, "model"> {
  readonly senior: SeniorParameters;
}

async function* runStage(stage: Stage, context: PipelineContext): AsyncGenerator<PipelineEvent, StageResult> {
  const { data, kernels } = context;
  const directory = join(context.out, stage.name);
  const checkpoint = join(context.out, `${stage.name}.checkpoint.safetensors`);
  const run = runFingerprint([data.fingerprint, ...stage.identity]);
  if (await exists(join(directory, "config.json"))) {
    const { model, training } = await loadModel(directory, kernels && { kernels });
    const saved = training as unknown as Saved | undefined;
    if (saved?.run !== run) {
      throw new MuldeError(
        "TRAINER_FOREIGN",
        `${directory} holds a model of other options or data: choose another directory, or delete it to train anew.`,
      );
    }
    // Left behind by a run that ended between saving the model and here.
    await rm(checkpoint, { force: true });
    yield { type: "skipped", name: stage.name, row: saved.row };
    return { model, ...saved };
  }
  const result = yield* stage.train({ name: stage.name, checkpoint, identity: run });
  const { model } = result;
  const row = toRow(await test(modelScorer(model), data), {
    role: stage.role,
    name: stage.name,
    model: stage.options.model,
    dim: stage.options.dim,
    parameters: model.parameters,
    epochs: result.epochs,
    seed: stage.options.seed,
    seconds: result.seconds,
  });
  const senior = Object.fromEntries([...result.senior].map(([name, values]) => [name, Array.from(values)]));
  const saved: Saved = { run, row, senior, ...(stage.seniorRow && { seniorRow: await stage.seniorRow(row, senior) }) };
  await saveModel(model, directory, {
    entities: data.entities.names,
    relations: data.relations.names,
    dataset: { name: data.name, fingerprint: data.fingerprint },
    training: { ...saved, options: stage.options, validation: result.best },
  });
  await rm(checkpoint, { force: true });
  yield { type: "row", name: stage.name, row };
  return { model, ...saved };
}

function copyOf(model: KgeModel): Map<string, Float32Array> {
  return new Map([...model.tables].map(([name, { data }]) => [name, data.slice()]));
}

function restore(model: KgeModel, tables: ReadonlyMap<string, Float32Array>): void {
  for (const [name, values] of tables) model.table(name).data.set(values);
  model.touch();
}

function test(scorer: Scorer, data: Dataset): Promise<RankingReport> {
  const { known, relations } = prepareData(data);
  return evaluate(scorer, { triples: data.test, numRelations: relations, known });
}

function toRow(report: RankingReport, rest: Omit<Row, "bytes" | "mrr" | "mr" | "hits" | "headMrr" | "tailMrr">): Row {
  const { mrr, mr, hits, head, tail } = report;
  return { ...rest, bytes: 4 * rest.parameters, mrr, mr, hits, headMrr: head.mrr, tailMrr: tail.mrr };
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
