// Single steps, each a function of the setting and the repetitions that returns { median_ms }.
import {
  distillationObjective,
  distilSchema,
  factsObjective,
  Optimizer,
  trainedTables,
  trainSchema,
} from "@mulde/mulde-trainer";
import { median } from "./setting.js";
import { batchSize, paperStep } from "./shapes.js";

async function timed(repetitions, step) {
  const times = [];
  // Two steps to warm up: pages are touched and code is compiled.
  for (let i = -2; i < repetitions; i++) {
    const started = performance.now();
    await step(i + 2);
    if (i >= 0) times.push(performance.now() - started);
  }
  return { median_ms: median(times) };
}

/** A training step with random queries: the loss, its gradients, the optimizer. */
export function trainingStep({ kernels, queries }, model, objective, options) {
  const optimizer = new Optimizer(kernels, [...trainedTables(model), ...objective.extra], options);
  return async (step) => {
    const { gradients } = await objective.step({ epoch: 0, step, ...queries(batchSize) });
    optimizer.update(gradients, step + 1, options.learningRate);
    model.touch();
  };
}

export async function factsStep(setting, input) {
  const options = trainSchema.parse({ ...paperStep, model: "RotH", dim: 64, ...input });
  const model = await setting.spread(options.model, options.dim);
  return { model, step: trainingStep(setting, model, factsObjective(model, options), options) };
}

export const steps = {
  async pretrain(setting, repetitions) {
    return timed(repetitions, (await factsStep(setting, { negatives: 255 })).step);
  },
  async distil(setting, repetitions) {
    const teachers = await setting.teachers();
    const junior = await setting.spread("RotH", 32);
    const options = distilSchema.parse({ ...paperStep, model: "RotH", dim: 32, negatives: 255, topK: 500 });
    const objective = distillationObjective(junior, teachers, options);
    return timed(repetitions, trainingStep(setting, junior, objective, options));
  },
  async onevsall(setting, repetitions) {
    return timed(repetitions, (await factsStep(setting, { loss: "1vsAll" })).step);
  },
  /** The whole test set in both directions, 20 filtered entities a query. */
  async rank({ shape, random, ids, queries, spread }, repetitions) {
    const model = await spread("RotH", 32);
    const count = 2 * shape.test;
    const { heads, relations, tails: targets } = queries(count);
    const known = 20;
    const filterOffsets = ids(count + 1, 1).map((_, i) => known * i);
    const filterIds = new Int32Array(count * known);
    for (let b = 0; b < count; b++) {
      const row = new Set();
      while (row.size < known) {
        const id = Math.floor(shape.entities * random.uniform());
        if (id !== targets[b]) row.add(id);
      }
      filterIds.set(Int32Array.from(row).sort(), b * known);
    }
    const call = { heads, relations, targets, filterOffsets, filterIds };
    const counts = { greater: new Int32Array(count), equal: new Int32Array(count) };
    return timed(repetitions, () => model.inference.rank(call, counts));
  },
  /** The 500 best of all entities for each query of a batch, in order. */
  async topk({ queries, spread }, repetitions) {
    const model = await spread("RotH", 32);
    const { heads, relations } = queries(batchSize);
    return timed(repetitions, () => model.inference.topK(heads, relations, 500));
  },
};
