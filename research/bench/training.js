// What the bench asks of the trainer: its options, single training steps and whole runs. No other file of the bench imports the trainer.
// Every option is named here, so that no figure changes with a default; a test holds that.
import {
  distil,
  distillationObjective,
  distilSchema,
  factsObjective,
  finish,
  Optimizer,
  pretrainTeacher,
  trainedTables,
  trainSchema,
} from "@mulde/mulde-trainer";
import { batchSize } from "./shapes.js";

const curvature = 1.3132616875182228; // softplus(1)

/** The paper's step on the facts (Wang et al. 2021), which the peer computes too. */
const facts = {
  model: "RotH",
  dim: 64,
  curvature: "shared",
  initialCurvature: curvature,
  biases: true,
  seed: 0,
  epochs: 1,
  batchSize,
  optimizer: "adam",
  learningRate: 0.001,
  sparse: false,
  weightDecay: 0,
  clipNorm: 0,
  averaging: 0,
  schedule: "constant",
  warmup: 0,
  loss: "bce",
  adversarial: 0,
  margin: 1,
  labelSmoothing: 0,
  negatives: 255,
  negativeSampling: "uniform",
  filterNegatives: false,
  headNegative: false,
  neighbourNegative: false,
  doubleNegatives: 0,
  shareNegatives: false,
  regularizer: "none",
  regularizerWeight: 0,
  relationWeight: 1,
  dropout: 0,
  validateEvery: 5,
  patience: 10,
  validationTriples: 0,
};

/** The paper's step of a Junior of 32 dimensions: its own 500 best entities of each query, scaled and weighted teachers. */
const distillation = {
  ...facts,
  dim: 32,
  topK: 500,
  candidates: "junior",
  filterCandidates: false,
  functional: 0,
  refreshTopK: 1,
  unseenQueries: 0,
  softWeight: 0.5,
  temperature: 1,
  normalization: "none",
  scaling: "relation",
  attention: "contrast",
  confidence: 0,
  adaptFrom: 0,
  trainOnSoft: true,
};

/** The options as they stand here, and as the trainer reads them: the same, or a default has filled a gap. */
export const written = { facts, distillation };
export const read = { facts: trainSchema.parse(facts), distillation: distilSchema.parse(distillation) };

/** The same options with another dimension, number of negatives, loss, or optimizer of touched rows alone. */
function factsOptions({ dim = facts.dim, negatives = facts.negatives, loss = facts.loss, sparse = facts.sparse }) {
  return { ...facts, dim, negatives, loss, sparse };
}

/** A training step with random queries: the loss, its gradients, the optimizer. */
function trainingStep({ kernels, queries }, model, objective, options) {
  const optimizer = new Optimizer(kernels, [...trainedTables(model), ...objective.extra], options);
  return async (step) => {
    const { gradients } = await objective.step({ epoch: 0, step, ...queries(options.batchSize) });
    optimizer.update(gradients, step + 1, options.learningRate);
    model.touch();
  };
}

/** A step on the facts and the model that it trains. */
export async function factsStep(setting, change) {
  const options = trainSchema.parse(factsOptions(change));
  const model = await setting.spread(options.model, options.dim);
  return { model, step: trainingStep(setting, model, factsObjective(model, options), options) };
}

/** A step of a Junior that four frozen teachers teach. */
export async function distillationStep(setting) {
  const options = distilSchema.parse(distillation);
  const teachers = await setting.teachers();
  const junior = await setting.spread(options.model, options.dim);
  return trainingStep(setting, junior, distillationObjective(junior, teachers, options), options);
}

/** The seconds of one epoch of a run; its validation and its end come on top. */
async function epochSeconds(events) {
  let seconds;
  await finish(events, (event) => {
    if (event.type === "epoch") seconds = event.seconds;
  });
  return seconds;
}

/** Seconds of an epoch on the facts, through the trainer's own loop. */
export function factsEpoch(change, context) {
  return epochSeconds(pretrainTeacher(factsOptions(change), context));
}

/** Seconds of an epoch of a Junior, through the trainer's own loop. */
export function distillationEpoch(context) {
  return epochSeconds(distil(distillation, context));
}

/** The events of a long run on the facts; stop by leaving the loop. */
export function factsEvents(change, context) {
  return pretrainTeacher({ ...factsOptions(change), epochs: 100 }, context);
}
