import { createModel, type KgeModel } from "@mulde/kge-models";
import type { Kernels } from "@mulde/kernels";
import { Batches, distinctQueries } from "../facts/batches.js";
import { type PreparedData, prepareData, type TrainingData } from "../facts/data.js";
import { factsObjective, type StepParts } from "../facts/facts.js";
import { ofAllAnswers, overAllEntities } from "../facts/losses.js";
import { MuldeError } from "@mulde/errors";
import type { CandidateSource } from "../step/parts.js";
import { checkShapes } from "../step/check-parts.js";
import { checkContext } from "./check-context.js";
import type { TrainEvent, TrainResult } from "./events.js";
import { partIdentity, runIdentity } from "./identity.js";
import { trainingLoop } from "./loop.js";
import type { RunControl } from "./plan.js";
import { type RunOptions, type TrainInput, trainSchema } from "./options.js";
import { parseOptions } from "./parse.js";
import { type Run, startRun } from "./run.js";
import { streamSeed } from "./streams.js";

/** What runs need beside their options. */
export interface RunContext extends RunControl {
  readonly data: TrainingData;
  /** The process's own kernels unless given. */
  readonly kernels?: Kernels;
}

/** What training needs beside its options. */
export interface TrainContext extends RunContext {
  /** Parts of a step of your own. */
  readonly parts?: StepParts;
}

/** A training run: its events, and the trained model as its result. */
export type TrainingRun = Run<TrainEvent, TrainResult>;

/**
 * Trains a model on the facts alone: a teacher, or an undistilled Junior. Options and data are checked at once; the run starts when you iterate
 * over it or await its result.
 *
 * @throws MuldeError TRAINER_OPTION, TRAINER_PART or TRAINER_DATA. The run rejects with TRAINER_CHECKPOINT, TRAINER_DIVERGED or TRAINER_STOPPED
 */
export function train(input: TrainInput, context: TrainContext): TrainingRun {
  const options = parseOptions(trainSchema, input);
  checkContext(context);
  const { parts = {}, ...control } = context;
  checkParts(options, parts);
  const data = prepareData(context.data);
  const run = runIdentity("train", data.fingerprint, options, partsIdentity(parts));
  return startRun(async function* (signal) {
    const model = await newModel(options, context);
    return yield* trainingLoop(
      {
        model,
        data,
        options,
        run,
        objective: () => factsObjective(model, options, data, parts),
        batches: () => factsBatches(data, options),
      },
      { ...control, signal },
    );
  }, context.signal);
}

/**
 * Refuses parts that lack something, and those that a loss over all entities has no place for.
 *
 * @throws MuldeError TRAINER_PART, TRAINER_OPTION
 */
export function checkParts(
  options: RunOptions,
  { rules, queries, negatives, label, candidates }: StepParts & { candidates?: CandidateSource },
): void {
  const one = (part: object | undefined): readonly object[] => (part ? [part] : []);
  checkShapes({
    rules: { parts: rules ?? [], methods: ["isWrong"] },
    queries: { parts: queries ?? [], methods: ["size", "draw"] },
    negatives: { parts: one(negatives), methods: ["fill"] },
    label: { parts: one(label), methods: ["learn"] },
    candidates: { parts: one(candidates), methods: ["fill"] },
  });
  if (!overAllEntities(options.loss.name)) return;
  const part = queries?.length ? "queries" : negatives ? "negatives" : label ? "label" : undefined;
  if (part === undefined) return;
  throw new MuldeError(
    "TRAINER_OPTION",
    `${options.loss.name} goes over all entities, where your own ${part} have no place; choose the loss bce, crossEntropy or margin.`,
    { path: ["parts", part] },
  );
}

/** What a run's identity holds of the user's own parts; nothing where there are none. */
export function partsIdentity(parts: StepParts): unknown[] {
  const { rules = [], queries = [], negatives, label } = parts;
  const own = [rules.map(partIdentity), queries.map(partIdentity), partIdentity(negatives), partIdentity(label)];
  return rules.length === 0 && queries.length === 0 && !negatives && !label ? [] : own;
}

/** The Junior or teacher to train, with its initial values. */
export function newModel({ model, seed }: RunOptions, { data, kernels }: RunContext): Promise<KgeModel> {
  const { name, dim, curvature, initialCurvature } = model;
  return createModel({
    model: name,
    dim,
    curvature,
    initialCurvature,
    entities: data.entities.size,
    relations: data.relations.size,
    seed: streamSeed(seed, "initialValues"),
    ...(kernels && { kernels }),
  });
}

function factsBatches({ queries, relations }: PreparedData, { loss, batchSize, seed }: RunOptions): Batches {
  return new Batches(ofAllAnswers(loss.name) ? distinctQueries(queries, relations) : queries, batchSize, seed);
}
