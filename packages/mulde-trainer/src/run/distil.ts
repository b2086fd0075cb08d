import { MuldeError } from "@mulde/errors";
import type { KgeModel } from "@mulde/kge-models";
import { checkTeachers, type Teacher } from "@mulde/senior";
import { adaptingObjective } from "../distillation/adapting.js";
import { checkWidth, distillationObjective, type DistillationParts } from "../distillation/distillation.js";
import { seniorIdentity } from "../distillation/senior-parts.js";
import { Batches } from "../facts/batches.js";
import { type PreparedData, prepareData } from "../facts/data.js";
import type { Objective } from "./objective.js";
import { checkOptions } from "./clashes.js";
import { modelHash, partIdentity, runIdentity } from "./identity.js";
import { trainingLoop } from "./loop.js";
import { type DistilInput, type DistilOptions, distilSchema } from "./options.js";
import { parseOptions } from "./parse.js";
import { startRun } from "./run.js";
import { checkParts, newModel, partsIdentity, type RunContext, type TrainingRun } from "./train.js";

/** What distillation needs beside its options. */
export interface DistilContext extends RunContext {
  /** Models of any family and dimension, ensembles, functions: whatever scores candidates. They are frozen, except those in `adapting`. */
  readonly teachers: readonly Teacher[];
  /** Tells teachers apart that are called the same, such as hashes of their files: a checkpoint made with other teachers is refused. */
  readonly teachersIdentity?: string;
  /**
   * The models behind teachers that learn too after `soft.adaptFrom` epochs. They end with the parameters that they had at the best validation,
   * also where the run diverges; one that breaks off otherwise leaves them where they were.
   */
  readonly adapting?: readonly KgeModel[];
  /** Start the Junior from this model instead of random values; it must have the shape that the options give. */
  readonly initial?: KgeModel;
  /** Parts of a step, and of the Senior, of your own. */
  readonly parts?: DistillationParts;
}

/**
 * Distils a Junior from teachers (Wang et al., MulDE, WWW 2021) and from the facts. Options, data and teachers are checked at once; the run starts when
 * you iterate over it or await its result.
 *
 * @throws MuldeError as `train`; TRAINER_TEACHERS if there are none, SENIOR_TEACHER if one does not fit the data, TRAINER_INITIAL if `initial`
 *   has another shape
 */
export function distil(input: DistilInput, context: DistilContext): TrainingRun {
  const options = parseOptions(distilSchema, input);
  const { teachers, initial, parts = {} } = context;
  if (teachers.length === 0) {
    throw new MuldeError("TRAINER_TEACHERS", "Distillation needs at least one teacher: give teachers.");
  }
  checkParts(options, parts);
  const data = prepareData(context.data);
  const { entities, relations } = data;
  checkTeachers(teachers, { entities, relations });
  checkWidth(options, entities, parts);
  const adapting = adaptingModels(options, context, data);
  if (initial) checkInitial(options, initial, data);
  const run = runIdentity("distil", data.fingerprint, options, [
    teachers.map(({ name }) => name),
    context.teachersIdentity ?? null,
    initial ? modelHash(initial) : null,
    adapting.map(modelHash),
    ...distillationIdentity(parts, options, data, teachers.length),
  ]);
  return startRun(async function* (signal) {
    const junior = await newModel(options, context);
    if (initial) for (const { name, data: values } of junior.tables.values()) values.set(initial.table(name).data);
    const objective = (): Objective => {
      const main = distillationObjective(junior, teachers, options, data, parts);
      return adapting.length > 0 ? adaptingObjective(main, junior, adapting, options, data) : main;
    };
    // Every triple is a query of its own here, whatever the loss: the Senior learns from its one true answer.
    const batches = (): Batches => new Batches(data.queries, options.batchSize, options.seed);
    return yield* trainingLoop({ model: junior, data, options, run, objective, batches }, { ...context, signal });
  }, context.signal);
}

function adaptingModels(options: DistilOptions, { adapting }: DistilContext, data: PreparedData): readonly KgeModel[] {
  const { adaptFrom } = options.soft;
  if (adaptFrom === 0) return [];
  const models = [...new Set(adapting)];
  if (models.length === 0) {
    throw new MuldeError(
      "TRAINER_OPTION",
      "no teacher is a model that may learn: give models as adapting, or leave adaptFrom 0.",
      { path: ["soft", "adaptFrom"], value: adaptFrom },
    );
  }
  for (const { config, entities, relations } of models) {
    // A teacher keeps the Junior's options, but for its shape; what it learns from has all answers among its candidates.
    checkOptions({ ...options, soft: undefined, senior: undefined }, config);
    if (entities === data.entities && relations === data.relations) continue;
    throw new MuldeError(
      "TRAINER_TEACHERS",
      `The ${config.model} among adapting has ${entities} entities and ${relations} relations, but the data has ${data.entities} and ${data.relations}.`,
    );
  }
  return models;
}

function checkInitial(
  { model }: DistilOptions,
  { config, tables }: KgeModel,
  { entities, relations }: PreparedData,
): void {
  const wanted = { model: model.name, dim: model.dim, curvature: model.curvature, entities, relations };
  for (const key of Object.keys(wanted) as (keyof typeof wanted)[]) {
    // Only hyperbolic models have curvatures.
    if (config[key] === wanted[key] || (key === "curvature" && !tables.has("curvature"))) continue;
    throw new MuldeError(
      "TRAINER_INITIAL",
      `The initial model's ${key} is ${config[key]}, but the Junior's is ${wanted[key]}; start from a model of the Junior's shape.`,
      { path: ["initial", key], value: config[key] },
    );
  }
}

function distillationIdentity(
  parts: DistillationParts,
  { epochs }: DistilOptions,
  { relations }: PreparedData,
  teachers: number,
): unknown[] {
  const { candidates, senior } = parts;
  const own = partsIdentity(parts);
  if (!candidates && !senior) return own;
  return [...own, partIdentity(candidates), senior ? seniorIdentity(senior, 2 * relations, teachers, epochs) : null];
}
