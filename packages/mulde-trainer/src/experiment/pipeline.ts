import { join } from "node:path";
import type { Dataset } from "@mulde/datasets";
import { MuldeError } from "@mulde/errors";
import { teacherScorer } from "@mulde/eval";
import type { Kernels } from "@mulde/kernels";
import { type KgeModel, modelTeacher, type NamedModel, openModel } from "@mulde/kge-models";
import { seniorTeacher } from "@mulde/senior";
import { seniorParts } from "../distillation/senior-parts.js";
import { prepareData } from "../facts/data.js";
import { distil } from "../run/distil.js";
import type { TrainEvent } from "../run/events.js";
import { differences, modelHash } from "../run/identity.js";
import { holdLock, type Lock } from "../run/lock.js";
import type { RunControl } from "../run/plan.js";
import type { TrainOptions } from "../run/options.js";
import { type Run, startRun } from "../run/run.js";
import { train } from "../run/train.js";
import { evaluateModel } from "./evaluate-model.js";
import { type DistilPlan, type Experiment, type JuniorPlan, stageNames, twinName } from "./experiment.js";
import { type Role, type Row, toRow } from "./rows.js";
import { runStage, type SeniorParameters, type Stage, type StageEvent, type StageResult } from "./stage.js";

export type { Role, Row } from "./rows.js";

/** What an experiment reports: the events of its runs, and each model as it is done. */
export type ExperimentEvent =
  { readonly type: "pipeline"; readonly name: string; readonly stages: readonly string[] } | StageEvent | TrainEvent;

/** Where an experiment runs. */
export interface ExperimentContext {
  readonly data: Dataset;
  /** Each model gets a directory here; running again into the same directory goes on where it was left. */
  readonly out: string;
  /** The lock of `out`, from `lockDirectory`, if you hold it already; else the run does while it goes. */
  readonly lock?: Lock;
  readonly kernels?: Kernels;
  readonly checkpointMinutes?: number;
  readonly signal?: AbortSignal;
}

export type ExperimentRun = Run<ExperimentEvent, readonly Row[]>;

/**
 * Runs a whole experiment: the teachers, the undistilled Junior, the distilled one, and its variants. Each model is saved with its row as soon as
 * it is done; a model that is there already, with the same options and data, is loaded instead. Teachers that adapt are saved as they
 * were before; their last state shows only in the Senior's row. Load what you need from `out`: the run frees its models at the end.
 *
 * @throws MuldeError TRAINER_DATA if a split is empty. The run rejects with TRAINER_LOCKED if another process works in `out`, with
 *   TRAINER_FOREIGN if a directory holds a model of another experiment, and with MODELS_FOREIGN_DATA, before it trains anything, if a teacher in `from` was trained on other data
 */
export function runExperiment(experiment: Experiment, context: ExperimentContext): ExperimentRun {
  prepareData(context.data);
  if (context.data.test.length === 0) {
    throw new MuldeError(
      "TRAINER_DATA",
      "The test split is empty, but an experiment ranks its models on it: split the triples first.",
      {
        path: ["test"],
      },
    );
  }
  return startRun(async function* (signal) {
    const lock = context.lock ?? lockDirectory(context.out);
    try {
      return yield* pipeline(experiment, { ...context, signal });
    } finally {
      if (lock !== context.lock) lock.release();
    }
  }, context.signal);
}

/**
 * Takes the lock of a directory of results, which is made if need be, as `runExperiment` does: one process at a time works in it.
 *
 * @throws MuldeError as `holdLock`
 */
export function lockDirectory(out: string): Lock {
  return holdLock(join(out, "mulde"));
}

async function* pipeline(
  experiment: Experiment,
  context: ExperimentContext & { readonly signal: AbortSignal },
): AsyncGenerator<ExperimentEvent, readonly Row[]> {
  const { teachers, undistilled, junior, juniorTeachers, variants } = experiment;
  const rows: Row[] = [];
  const models: KgeModel[] = [];
  // What each teacher depends on beside the data.
  const identities: unknown[] = [];
  const { data, kernels, checkpointMinutes, signal } = context;
  const shared = {
    data,
    signal,
    ...(kernels && { kernels }),
    ...(checkpointMinutes !== undefined && { checkpointMinutes }),
  };

  function untaught(role: Role, name: string, options: TrainOptions): AsyncGenerator<ExperimentEvent, StageResult> {
    const stage = { role, name, options, identity: [differences(options)] };
    return runStage({ ...stage, train: (control: RunControl) => train(options, { ...shared, ...control }) }, context);
  }

  async function* taught(
    role: Role,
    { name, options, teachers: by }: DistilPlan,
    rest: Pick<Stage, "seniorRow"> = {},
  ): AsyncGenerator<ExperimentEvent, StageResult> {
    const own = by.map((i) => models[i]!);
    const asTeachers = own.map((model, i) => modelTeacher(model, teachers[by[i]!]!.name));
    // Those that adapt teach the next model as they were.
    const before = options.soft.adaptFrom > 0 ? own.map(copyOf) : [];
    const teachersIdentity = JSON.stringify(by.map((i) => identities[i]));
    const identity = [differences(options), teachersIdentity];
    const start = (control: RunControl) =>
      distil(options, { ...shared, ...control, teachers: asTeachers, adapting: own, teachersIdentity });
    const result = yield* runStage({ role, name, options, train: start, identity, ...rest }, context);
    before.forEach((tables, i) => restore(own[i]!, tables));
    return result;
  }

  // Before anything is trained, so that a wrong directory shows at once.
  const saved = await openTeachers(experiment, context);
  try {
    yield { type: "pipeline", name: experiment.name, stages: stageNames(experiment) };
    for (const plan of teachers) {
      if (plan.from !== undefined) {
        const given = saved.get(plan.name)!;
        rows.push(yield* savedTeacher(plan.name, given, data, signal));
        models.push(given.model);
        identities.push([plan.name, modelHash(given.model)]);
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
        ...(plan === main && { seniorRow: (done, senior) => seniorOf(plan, own, done, senior, context) }),
      });
      model.dispose();
      rows.push(row, ...(seniorRow ? [seniorRow] : []));
    }
    return rows;
  } finally {
    for (const model of [...models, ...[...saved.values()].map(({ model }) => model)]) model.dispose();
  }
}

/** The teachers that were trained before, by name. @throws MuldeError MODELS_FOREIGN_DATA for one of other data */
async function openTeachers(
  { teachers }: Experiment,
  { data, kernels }: ExperimentContext,
): Promise<ReadonlyMap<string, NamedModel>> {
  const opened = new Map<string, NamedModel>();
  try {
    for (const { name, from } of teachers) {
      if (from !== undefined) opened.set(name, await openModel(from, { data, what: "The teacher", kernels }));
    }
    return opened;
  } catch (error) {
    for (const { model } of opened.values()) model.dispose();
    throw error;
  }
}

/** The row of a teacher that was trained before, ranked as if it had been trained here. */
async function* savedTeacher(
  name: string,
  { model, training }: NamedModel,
  data: Dataset,
  signal: AbortSignal,
): AsyncGenerator<ExperimentEvent, Row> {
  const { epochs = 0 } = (training ?? {}) as { readonly epochs?: number };
  const row = toRow(await evaluateModel(model, data, "test", { signal }), {
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
  return row;
}

/** The Senior ranked like a model, with what it learned beside the Junior. */
async function seniorOf(
  { options: junior }: JuniorPlan,
  models: readonly KgeModel[],
  row: Row,
  senior: SeniorParameters,
  { data, signal }: Pick<ExperimentContext, "data" | "signal">,
): Promise<Row> {
  const m = models.length;
  const { scaling, normalization } = seniorParts(junior.senior, 2 * data.relations.size, m);
  for (const { name, value } of scaling!.parameters()) value.set(senior[name]!);
  const parameters = scaling!.parameters().reduce((sum, { value }) => sum + value.length, 0);
  const own = { teachers: m, normalization, scales: (rows: Int32Array) => scaling!.scales(rows, m) };
  const teacher = seniorTeacher(
    own,
    models.map((model, i) => modelTeacher(model, `teacher ${i}`)),
  );
  const scorer = teacherScorer(teacher, { entities: data.entities.size });
  return toRow(await evaluateModel(scorer, data, "test", { signal }), {
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

function copyOf(model: KgeModel): Map<string, Float32Array> {
  return new Map([...model.tables].map(([name, { data }]) => [name, data.slice()]));
}

function restore(model: KgeModel, tables: ReadonlyMap<string, Float32Array>): void {
  for (const [name, values] of tables) model.table(name).data.set(values);
  model.touch();
}
