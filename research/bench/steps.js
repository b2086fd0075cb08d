// Single steps, each a function of the setting and the repetitions that returns { median_ms }.
import { median } from "./setting.js";
import { batchSize } from "./shapes.js";
import { distillationStep, factsStep } from "./training.js";

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

export const steps = {
  async pretrain(setting, repetitions) {
    return timed(repetitions, (await factsStep(setting, {})).step);
  },
  async distil(setting, repetitions) {
    return timed(repetitions, await distillationStep(setting));
  },
  async onevsall(setting, repetitions) {
    return timed(repetitions, (await factsStep(setting, { loss: "1vsAll" })).step);
  },
  /** Ranks the whole test set in both directions, with 20 filtered entities a query. */
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
  /** Finds the 500 best entities of each query in a batch, in order. */
  async topk({ queries, spread }, repetitions) {
    const model = await spread("RotH", 32);
    const { heads, relations } = queries(batchSize);
    return timed(repetitions, () => model.inference.topK(heads, relations, 500));
  },
};
