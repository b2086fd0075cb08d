// What the bench asks of the trainer: its options, single training steps and whole runs. No other file of the bench imports the trainer.
// Every option is named here, so that no figure changes with a default; a test holds that.
import {
  distil,
  distillationObjective,
  distilSchema,
  factsObjective,
  Optimizer,
  train,
  trainedTables,
  trainSchema,
} from "@mulde/mulde-trainer";
import { batchSize } from "./shapes.js";

const initialCurvature = 1.3132616875182228; // softplus(1)

/** The paper's step on the facts (Wang et al. 2021), which the peer computes too. */
const facts = {
  seed: 0,
  epochs: 1,
  batchSize,
  model: { name: "RotH", dim: 64, curvature: "shared", initialCurvature, biases: true },
  optimizer: { name: "adam", learningRate: 0.001, weightDecay: 0, clipNorm: 0, sparse: false, averaging: 0 },
  schedule: { name: "constant", warmup: 0 },
  loss: { name: "bce", adversarial: 0, margin: 1, smoothing: 0 },
  negatives: { count: 255, filter: false, bothEnds: 0 },
  rules: [],
  regularizer: { name: "none", weight: 0, dropout: 0 },
  validation: { every: 5, patience: 10, triples: 0 },
};

/** The paper's step of a Junior of 32 dimensions: its own 500 best entities of each query, scaled and weighted teachers. */
const distillation = {
  ...facts,
  model: { ...facts.model, dim: 32 },
  soft: {
    weight: 0.5,
    temperature: 1,
    candidates: { source: "junior", k: 500, refresh: 1, known: true },
    queries: 0,
    confidence: 0,
    adaptFrom: 0,
  },
  senior: { normalization: "none", scaling: "relation", attention: "contrast", trainOnSoft: true },
};

/** The options as they stand here, and as the trainer reads them: the same, or a default has filled a gap. */
export const written = { facts, distillation };
export const read = { facts: trainSchema.parse(facts), distillation: distilSchema.parse(distillation) };

/** The step on the facts with another dimension, number of negatives, loss, or an optimizer of the touched rows alone. */
function factsOptions({ dim = 64, negatives = 255, loss = "bce", sparse = false, epochs = 1 }) {
  return {
    ...facts,
    epochs,
    model: { ...facts.model, dim },
    negatives: { ...facts.negatives, count: negatives },
    loss: { ...facts.loss, name: loss },
    optimizer: { ...facts.optimizer, sparse },
  };
}

/** A training step with random queries: the loss, its gradients, the optimizer. */
function trainingStep({ kernels, queries }, model, objective, options) {
  const optimizer = new Optimizer(kernels, [...trainedTables(model), ...objective.extra], options.optimizer);
  return async (step) => {
    const { gradients } = await objective.step({ epoch: 0, step, ...queries(options.batchSize) });
    optimizer.update(gradients, step + 1, options.optimizer.learningRate);
    model.touch();
  };
}

/** A step on the facts and the model that it trains. */
export async function factsStep(setting, change) {
  const options = trainSchema.parse(factsOptions(change));
  const model = await setting.spread(options.model.name, options.model.dim);
  return { model, step: trainingStep(setting, model, factsObjective(model, options), options) };
}

/** A step of a Junior that four frozen teachers teach. */
export async function distillationStep(setting) {
  const options = distilSchema.parse(distillation);
  const teachers = await setting.teachers();
  const junior = await setting.spread(options.model.name, options.model.dim);
  return trainingStep(setting, junior, distillationObjective(junior, teachers, options), options);
}

/** The seconds of one epoch of a run; its validation and its end come on top. */
async function epochSeconds(run) {
  let seconds;
  for await (const event of run) if (event.type === "epoch") seconds = event.seconds;
  return seconds;
}

/** Seconds of an epoch on the facts, through the trainer's own loop. */
export function factsEpoch(change, context) {
  return epochSeconds(train(factsOptions(change), context));
}

/** Seconds of an epoch of a Junior, through the trainer's own loop. */
export function distillationEpoch(context) {
  return epochSeconds(distil(distillation, context));
}

/** A long run on the facts; it ends when its listener leaves the loop. */
export function longRun(change, context) {
  return train(factsOptions({ ...change, epochs: 100 }), context);
}
