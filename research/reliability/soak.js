// Trains and distils for thousands of steps, and watches whether memory stays the same.
//
//   node research/reliability/soak.js [--steps 10000] [--engine native|wasm|both] [--record]
//
// Each engine gets a process of its own. Five runs share its steps, with a validation after each epoch and a checkpoint twice a second: training with
// sampled negatives, over all entities, and through TensorFlow.js; distillation with everything that has memory of its own; and one in which
// the teachers learn too. Fifty samples of each run, after a full garbage collection, have the process's memory, the JavaScript heap, the bytes
// of the kernels' arrays, and the number and bytes of TensorFlow.js tensors.
//
// Held is, for each run: the kernels' bytes, the tensors and their bytes are the same in all samples of the run's last half; heap and process
// grow by no more than noise over that half, which is 3 times the scatter around the straight line through its samples, or 512 kB for the heap
// and 8 MB for the process if that is more. And after each run, no array and no tensor is left of it.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { syntheticDataset } from "@mulde/datasets";
import { createKernels } from "@mulde/kernels";
import { createModel, loadTf, modelTeacher } from "@mulde/kge-models";
import { distil, train } from "@mulde/mulde-trainer";
import { judged } from "./_growth.js";
import { report } from "./_report.js";

const samplesPerRun = 50;
const batchSize = 128;
const { values: flags } = parseArgs({
  options: {
    steps: { type: "string", default: "10000" },
    engine: { type: "string", default: "both" },
    child: { type: "string" },
    record: { type: "boolean", default: false },
  },
});
const steps = Number(flags.steps);
if (flags.child) await soak(flags.child);
else await judge(flags.engine === "both" ? ["native", "wasm"] : [flags.engine]);

/** Runs each engine in a process, and judges its samples. */
async function judge(engines) {
  const started = performance.now();
  const outcomes = [];
  for (const engine of engines) for (const run of await samplesOf(engine)) outcomes.push(...judged(engine, run));
  const failed = outcomes.filter(({ held }) => !held);
  for (const { engine, run, what, text } of failed) console.error(`grew: ${engine}, ${run}, ${what}: ${text}`);
  await report({
    trial: "soak",
    cases: outcomes.length,
    held: outcomes.length - failed.length,
    seconds: (performance.now() - started) / 1000,
    steps,
    engines,
    failed: failed.map(({ engine, run, what }) => `${engine}, ${run}, ${what}`),
  });
}

/** The runs of one engine with their samples, from its process. */
async function samplesOf(engine) {
  const child = spawn(
    process.execPath,
    ["--expose-gc", fileURLToPath(import.meta.url), "--child", engine, "--steps", String(steps)],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (output += text));
  const status = await new Promise((resolve) => child.once("close", resolve));
  if (status !== 0) throw new Error(`The soak on ${engine} ended with ${status}.`);
  return JSON.parse(output);
}

/** All runs on one engine; prints their samples as JSON. */
async function soak(engine) {
  const folder = mkdtempSync(join(tmpdir(), "mulde-soak-"));
  try {
    const kernels = await createKernels({ engine });
    const tf = await loadTf();
    const data = syntheticDataset({ entities: 300, triples: 750, relations: 6, seed: 1 });
    const shape = { entities: data.entities.size, relations: data.relations.size, kernels };
    const frozen = [
      await createModel({ model: "TransE", dim: 16, seed: 2, ...shape }),
      await createModel({ model: "ComplEx", dim: 16, seed: 3, ...shape }),
    ];
    const pupil = await createModel({ model: "RotE", dim: 8, seed: 4, ...shape });
    const teachers = frozen.map((model) => modelTeacher(model));
    const service = {
      name: "service",
      score: async (heads, relations, candidates, out) => {
        await null;
        candidates.forEach((candidate, i) => (out[i] = Math.sin(candidate)));
      },
    };
    const stepsPerEpoch = Math.ceil((2 * data.train.length) / batchSize);
    const base = { batchSize, negatives: 31, validation: { every: 1, patience: 1_000_000 } };
    const soft = { candidates: { k: 40, refresh: 3 }, queries: 0.25, confidence: 0.5 };
    const rules = ["ownHead", "neighbours"];
    const regularizer = { name: "N3", weight: 0.001, dropout: 0.1 };
    const everything = {
      model: { name: "RotH", dim: 16 },
      soft,
      senior: { normalization: "zScore" },
      rules,
      regularizer,
    };
    const adapting = { model: { name: "RotH", dim: 8 }, soft: { candidates: { k: 40 }, adaptFrom: 1 } };
    // The part of the steps that each run gets; TensorFlow.js takes ten times as long for one.
    const runs = [
      ["sampled negatives", 0.3, train, { model: { name: "RotH", dim: 16 }, optimizer: { averaging: 0.99 } }, {}],
      ["all entities", 0.15, train, { model: { name: "ComplEx", dim: 16 }, loss: "KvsAll" }, {}],
      ["TensorFlow.js", 0.1, train, { model: { name: "TuckER", dim: 8 }, loss: "1vsAll" }, {}],
      ["distillation", 0.3, distil, everything, { teachers: [...teachers, service] }],
      ["teachers that learn", 0.15, distil, adapting, { teachers: [modelTeacher(pupil)], adapting: [pupil] }],
    ];
    const results = [];
    for (const [name, share, start, options, context] of runs) {
      const epochs = Math.max(1, Math.round((share * steps) / stepsPerEpoch));
      const sampled = new Set(
        Array.from({ length: samplesPerRun }, (_, i) => Math.round(((i + 1) * epochs) / samplesPerRun) - 1),
      );
      const once = async (count, onEpoch) => {
        const checkpoint = join(folder, `${name}.safetensors`);
        const control = { data, kernels, checkpoint, checkpointMinutes: 0.5 / 60, ...context };
        const run = start({ ...base, ...options, epochs: count }, control);
        for await (const event of run) if (event.type === "epoch") await onEpoch(event.epoch);
        (await run.result).model.dispose();
        rmSync(checkpoint);
      };
      // What kernels and TensorFlow.js keep for themselves is made in a short run first.
      await once(2, () => undefined);
      const before = await sample();
      const samples = [];
      await once(epochs, async (epoch) => {
        if (sampled.has(epoch)) samples.push({ step: (epoch + 1) * stepsPerEpoch, ...(await sample()) });
      });
      const after = await sample();
      const left = { kernels: after.kernels - before.kernels, tensors: after.tensors - before.tensors };
      results.push({ name, samples, left });
      console.error(`${engine}: ${name}, ${epochs * stepsPerEpoch} steps`);
    }

    /** Memory after a full garbage collection. */
    async function sample() {
      // A second one takes what the first one's finalizers let go of.
      for (let i = 0; i < 2; i++) {
        globalThis.gc();
        await setImmediate();
      }
      const { rss, heapUsed: heap } = process.memoryUsage();
      const { numTensors: tensors, numBytes: tensorBytes } = tf.memory();
      return { kernels: kernels.engine.bytesInUse(), tensors, tensorBytes, heap, rss };
    }

    for (const model of [...frozen, pupil]) model.dispose();
    kernels.dispose();
    const left = { kernels: kernels.engine.bytesInUse(), tensors: 0 };
    results.at(-1).left.kernels ||= left.kernels;
    await kernels.close();
    console.log(JSON.stringify(results));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
