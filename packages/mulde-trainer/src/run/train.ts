import { createModel, type KgeModel, type ModelConfig } from "@mulde/kge-models";
import type { Kernels } from "@mulde/kernels";
import type { Teacher } from "@mulde/senior";
import { adaptingObjective } from "./adapting.js";
import {
  Batches,
  distinctQueries,
  headQueryRates,
  type PreparedData,
  prepareData,
  seedOf,
  type TrainingData,
} from "./data.js";
import { distillationObjective } from "./distillation.js";
import { MuldeError } from "@mulde/errors";
import type { TrainEvent, TrainResult } from "./events.js";
import { factsObjective } from "./facts.js";
import { type RunControl, trainingLoop } from "./loop.js";
import { ofAllAnswers } from "./losses.js";
import type { Objective } from "./objective.js";
import { checkOptions } from "./option-rules.js";
import {
  type DistilInput,
  distilSchema,
  parseOptions,
  type RunOptions,
  type TrainInput,
  trainSchema,
} from "./options.js";
import type { SeniorParts } from "./senior-parts.js";

// A random stream of a run (see `seedOf`).
const initialStream = -5;

/** What runs share beside their options. */
export interface TrainContext extends RunControl {
  readonly data: TrainingData & { readonly fingerprint?: string };
  /** The process's own kernels unless given. */
  readonly kernels?: Kernels;
}

/** What distillation needs beside its options. */
export interface DistilContext extends TrainContext {
  /** Models of any family and dimension, ensembles, functions: whatever scores candidates. They are frozen, but for `adapting`. */
  readonly teachers: readonly Teacher[];
  /**
   * The models behind teachers that learn too once `adaptFrom` epochs are over; without `adaptFrom` they stay as they are. They end with
   * the parameters that they had at the best validation; a run that is interrupted leaves them where it was.
   */
  readonly adapting?: readonly KgeModel[];
  /** Mechanisms of the Senior, your own or `@mulde/senior`'s, in place of those that the options name. */
  readonly senior?: SeniorParts;
  /** Start the Junior from this model instead of random values; it must have the shape that the options give. */
  readonly initial?: KgeModel;
}

/**
 * Trains a model on the facts alone: a teacher, or an undistilled Junior.
 *
 * @throws MuldeError TRAINER_OPTION, TRAINER_DATA, TRAINER_CHECKPOINT or TRAINER_DIVERGED
 */
export async function* pretrainTeacher(
  input: TrainInput,
  context: TrainContext,
): AsyncGenerator<TrainEvent, TrainResult> {
  const options = parseOptions(trainSchema, input, "training options");
  const data = prepareData(context.data);
  const model = await newModel(options, context);
  const objective = (): Objective => factsObjective(model, options, data);
  const batches = (): Batches => trainingBatches(data, options);
  return yield* trainingLoop(model, data, batches, objective, options, identity(context), context);
}

/**
 * Distils a Junior from teachers (Wang et al., MulDE, WWW 2021) and from the facts.
 *
 * @throws MuldeError as `pretrainTeacher`, TRAINER_TEACHERS if there are none or one that adapts is of other data, TRAINER_INITIAL if
 *   `initial` has another shape
 */
export async function* distil(input: DistilInput, context: DistilContext): AsyncGenerator<TrainEvent, TrainResult> {
  const options = parseOptions(distilSchema, input, "distillation options");
  const { teachers, initial } = context;
  if (teachers.length === 0) {
    throw new MuldeError("TRAINER_TEACHERS", "Distillation needs at least one teacher: give teachers.");
  }
  const adapting = options.adaptFrom > 0 ? [...new Set(context.adapting)] : [];
  if (options.adaptFrom > 0 && adapting.length === 0) {
    throw new MuldeError(
      "TRAINER_OPTION",
      `adaptFrom is ${options.adaptFrom}, but no teacher is a model that may learn: give models as adapting, or leave adaptFrom 0.`,
    );
  }
  const data = prepareData(context.data);
  for (const { config, entities, relations } of adapting) {
    checkOptions(options, config);
    if (entities === data.entities && relations === data.relations) continue;
    throw new MuldeError(
      "TRAINER_TEACHERS",
      `The ${config.model} among adapting has ${entities} entities and ${relations} relations, but the data has ${data.entities} and ${data.relations}.`,
    );
  }
  const junior = await newModel(options, context);
  if (initial) {
    for (const table of junior.tables.values()) {
      const source = initial.tables.get(table.name);
      if (source?.data.length !== table.data.length) {
        junior.dispose();
        throw new MuldeError("TRAINER_INITIAL", `The initial model's table "${table.name}" does not fit the Junior's.`);
      }
      table.data.set(source.data);
    }
  }
  const objective = (): Objective => {
    const main = distillationObjective(junior, teachers, options, data, context.senior);
    return adapting.length > 0 ? adaptingObjective(main, junior, adapting, options, data) : main;
  };
  // Every triple is a query of its own here, whatever the loss: the Senior learns from its one true answer.
  const batches = (): Batches => triplesInBatches(data, options);
  const names = teachers.map(({ name }) => name);
  return yield* trainingLoop(
    junior,
    data,
    batches,
    objective,
    options,
    [...identity(context), names, !!initial, adapting.map(({ config }) => config)],
    context,
  );
}

function trainingBatches(data: PreparedData, options: RunOptions): Batches {
  if (!ofAllAnswers(options)) return triplesInBatches(data, options);
  return new Batches(distinctQueries(data.queries, data.relations), options.batchSize, options.seed);
}

function triplesInBatches(data: PreparedData, { batchSize, seed, negativeSampling }: RunOptions): Batches {
  const rates = negativeSampling === "bernoulli" ? headQueryRates(data) : undefined;
  return new Batches(data.queries, batchSize, seed, rates);
}

function newModel(options: RunOptions, context: TrainContext): Promise<KgeModel> {
  const { data, kernels } = context;
  const config: ModelConfig = {
    model: options.model,
    dim: options.dim,
    curvature: options.curvature,
    entities: data.entities.size,
    relations: data.relations.size,
  };
  return createModel({
    ...config,
    initialCurvature: options.initialCurvature,
    seed: seedOf(options.seed, initialStream),
    ...(kernels && { kernels }),
  });
}

function identity({ data, identity }: TrainContext): unknown[] {
  return [
    identity ?? null,
    data.fingerprint ?? [data.train.length, data.valid.length, data.entities.size, data.relations.size],
  ];
}
