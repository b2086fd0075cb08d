// What the threads in use can do at most, and what part of it the 1-vs-all kernels and their product tiles reach.
import { median } from "./setting.js";
import { batchSize } from "./shapes.js";
import { factsStep } from "./training.js";

// Some 10 ms at the peak of a core: long beside the start of a thread, short beside a change of its clock.
const iterations = 2_000_000;

/** The peak of as many cores as the kernels have threads, in GFLOP/s. */
export function peakGflops(kernels) {
  const started = performance.now();
  const { operations } = kernels.peak(kernels.threads, iterations);
  return operations / (performance.now() - started) / 1e6;
}

/** Adds up the time of the calls whose kernel's name begins with `prefix`; returns a function that reads and clears it. */
function watch(engine, prefix) {
  const { call } = engine;
  let sum = 0;
  engine.call = (kernel, args) => {
    const started = performance.now();
    call(kernel, args);
    if (kernel.startsWith(prefix)) sum += performance.now() - started;
  };
  return () => {
    const read = sum;
    sum = 0;
    return read;
  };
}

/**
 * Medians, each in turn. Counted are the multiply-adds that the definition asks for, 2 B N d operations a product of matrices: one for
 * the scores, and for 1-vs-all two more for the gradients by queries and by entities. What is computed twice counts once, and
 * exponentials and logarithms not at all.
 */
export async function peak(setting, repetitions) {
  const { kernels, queries, shape } = setting;
  const { model, step } = await factsStep(setting, { loss: "1vsAll" });
  const time = watch(kernels.engine, "all");
  const product = (2 * batchSize * shape.entities * model.dim) / 1e6;
  const { heads, relations } = queries(batchSize);
  const figures = { peak: [], products: [], onevsall: [] };
  for (let i = -2; i < repetitions; i++) {
    const { points } = model.inference;
    const encoded = model.inference.encode(heads, relations);
    const now = { peak: peakGflops(kernels) };
    const started = performance.now();
    kernels.products(encoded, points);
    now.products = product / (performance.now() - started);
    time();
    await step(i + 2);
    now.onevsall = (3 * product) / time();
    if (i >= 0) for (const [name, figure] of Object.entries(now)) figures[name].push(figure);
  }
  return { gflops: Object.fromEntries(Object.entries(figures).map(([name, values]) => [name, median(values)])) };
}
