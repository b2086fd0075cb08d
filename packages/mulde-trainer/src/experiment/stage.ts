import { access, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Dataset } from "@mulde/datasets";
import { MuldeError } from "@mulde/errors";
import { endSave, type KgeModel, loadModel, type ModelInfo, saveModel } from "@mulde/kge-models";
import type { Kernels } from "@mulde/kernels";
import type { TrainEvent, TrainResult } from "../run/events.js";
import { hashOf } from "../run/identity.js";
import type { RunControl } from "../run/plan.js";
import type { TrainingRun } from "../run/train.js";
import { evaluateModel } from "./evaluate-model.js";
import { keepBest } from "./keep-best.js";
import { type Role, type Row, toRow } from "./rows.js";

/** A model of an experiment that is trained. */
export interface Stage {
  readonly role: Role;
  readonly name: string;
  readonly options: { readonly model: { readonly name: string; readonly dim: number }; readonly seed: number };
  readonly train: (control: RunControl) => TrainingRun;
  /** what the result depends on beside the data */
  readonly identity: readonly unknown[];
  /** the row of the Senior that taught the model; its teachers may be gone later, where they adapted */
  readonly seniorRow?: (row: Row, senior: SeniorParameters) => Promise<Row>;
}

/** Where stages work. */
export interface StageContext {
  readonly data: Dataset;
  readonly out: string;
  readonly kernels?: Kernels;
  readonly signal: AbortSignal;
}

/** The trained scaling of a distilled model's Senior, as its directory keeps it. */
export type SeniorParameters = Readonly<Record<string, readonly number[]>>;

/** What a stage ends with. */
export interface StageResult {
  readonly model: KgeModel;
  /** hash of all that the model depends on */
  readonly run: string;
  readonly row: Row;
  readonly seniorRow?: Row;
}

/** What reports of stages hold beside the events of training. */
export type StageEvent =
  | { readonly type: "skipped"; readonly name: string; readonly row: Row }
  | { readonly type: "row"; readonly name: string; readonly row: Row };

interface Saved extends Omit<StageResult, "model"> {
  readonly senior: SeniorParameters;
}

/** A run that is done, and where its model belongs. */
interface Finished {
  readonly run: string;
  readonly result: TrainResult;
  readonly directory: string;
  readonly info: ModelInfo;
}

/**
 * Trains, ranks and saves a model with its row, or loads what an earlier call saved. If it diverges, its best state is saved in `diverged` in its
 * directory, which then still counts as not trained.
 *
 * @throws MuldeError TRAINER_FOREIGN if the directory holds another model
 */
export async function* runStage(
  stage: Stage,
  context: StageContext,
): AsyncGenerator<StageEvent | TrainEvent, StageResult> {
  const { data, kernels, out } = context;
  const { name } = stage;
  const directory = join(out, name);
  const checkpoint = join(out, `${name}.checkpoint.safetensors`);
  const run = hashOf([data.fingerprint, ...stage.identity]);
  if (await exists(join(directory, "config.json"))) {
    await endSave(directory);
    const { model, training } = await loadModel(directory, kernels && { kernels });
    const saved = training as unknown as Saved | undefined;
    if (saved?.run !== run) {
      throw new MuldeError(
        "TRAINER_FOREIGN",
        "the directory holds a model of other options or data: choose another directory, or delete it to train anew.",
        { file: directory },
      );
    }
    // Left behind by a run that ended between saving the model and here.
    await rm(checkpoint, { force: true });
    yield { type: "skipped", name, row: saved.row };
    return { model, ...saved };
  }
  const info = {
    entities: data.entities.names,
    relations: data.relations.names,
    dataset: { name: data.name, fingerprint: data.fingerprint },
  };
  const training = stage.train({ name, checkpoint });
  const summary = { run, options: stage.options };
  yield* keepBest(training, join(directory, "diverged"), { ...info, training: summary });
  const result = await training.result;
  const { model } = result;
  try {
    const saved = await testAndSave(stage, context, { run, result, directory, info });
    await rm(checkpoint, { force: true });
    yield { type: "row", name, row: saved.row };
    return { model, ...saved };
  } catch (error) {
    model.dispose();
    throw error;
  }
}

async function testAndSave(
  { role, name, options, seniorRow }: Stage,
  { data, signal }: StageContext,
  { run, result, directory, info }: Finished,
): Promise<Saved> {
  const { model, best, epochs, seconds } = result;
  const row = toRow(await evaluateModel(model, data, "test", { signal }), {
    role,
    name,
    model: options.model.name,
    dim: options.model.dim,
    parameters: model.parameters,
    epochs,
    seed: options.seed,
    seconds,
  });
  const senior = Object.fromEntries([...result.senior].map(([table, values]) => [table, Array.from(values)]));
  const saved: Saved = { run, row, senior, ...(seniorRow && { seniorRow: await seniorRow(row, senior) }) };
  signal.throwIfAborted();
  await saveModel(model, directory, { ...info, training: { ...saved, options, validation: best } });
  return saved;
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
