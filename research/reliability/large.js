// Files over 2 GiB and over 4 GiB: safetensors, checkpoints and models are written, read, and compared. Needs 6 GB of disk below the
// system's temporary folder (TMPDIR names another) and 8 GB of memory; --mini does the same with some megabytes.
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createModel, loadModel, openSafetensors, saveModel, writeSafetensors } from "@mulde/kge-models";
import { train } from "@mulde/mulde-trainer";
import { report } from "./_report.js";

const mini = process.argv.includes("--mini");
const entities = mini ? 2_000 : 1_100_000;
// 128 dimensions are 2.1 GiB of a checkpoint, 512 of a model.
const [dim, wide] = mini ? [8, 32] : [128, 512];
// Nine of them are 4.5 GiB.
const tensorLength = mini ? 50_000 : 2 ** 27;
const started = performance.now();
const folder = mkdtempSync(join(tmpdir(), "mulde-large-"));
const failures = [];
let cases = 0;

/** Runs a case; what it throws, or a value other than true, is a failure. */
async function check(name, work) {
  cases++;
  const before = performance.now();
  let failure;
  try {
    const held = await work();
    if (held !== true) failure = String(held);
  } catch (error) {
    failure = error.message;
  }
  if (failure !== undefined) failures.push({ name, failure });
  const seconds = ((performance.now() - before) / 1000).toFixed(1);
  console.error(`${failure === undefined ? "held" : "FAILED"}  ${name} (${seconds} s)${failure ? `: ${failure}` : ""}`);
}

function same(a, b) {
  const bytes = ({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength);
  return a.length === b.length && bytes(a).equals(bytes(b));
}

/** That a file is as large as the case is about. */
function large(file, gibibytes) {
  const { size } = statSync(file);
  if (!mini && size <= gibibytes * 2 ** 30) throw new Error(`The file has only ${size} bytes: this tests nothing.`);
}

async function tensors() {
  const file = join(folder, "nine.safetensors");
  const values = Float32Array.from({ length: tensorLength }, (_, i) => i % 1_000_003);
  const names = Array.from({ length: 9 }, (_, i) => `t${i}`);
  // One array nine times; what tells the tensors apart is in the small ones between them.
  const all = names.flatMap((name, i) => [
    [name, { shape: [tensorLength], data: values }],
    [`${name}-own`, { shape: [1], data: Float32Array.of(i) }],
  ]);
  await check("safetensors over 4 GiB are written and verified", async () => {
    await writeSafetensors(file, Object.fromEntries(all), {}, { checksum: true });
    large(file, 4);
    const opened = await openSafetensors(file);
    try {
      return (await opened.verify()) || "the checksum differs";
    } finally {
      await opened.close();
    }
  });
  await check("each of their tensors is read", async () => {
    const opened = await openSafetensors(file);
    const into = new Float32Array(tensorLength);
    try {
      for (const [i, name] of names.entries()) {
        if (!same(await opened.read(name, into.fill(0)), values)) return `${name} differs`;
        if ((await opened.read(`${name}-own`))[0] !== i) return `${name}-own differs`;
      }
      return true;
    } finally {
      await opened.close();
    }
  });
  await check("cut off by a byte, they are refused", async () => {
    truncateSync(file, statSync(file).size - 1);
    return refused(openSafetensors(file), "SAFETENSORS_TRUNCATED", /cut off/);
  });
  rmSync(file);
}

async function refused(work, code, message) {
  try {
    await work;
  } catch (error) {
    return (error.code === code && message.test(error.message)) || `${error.code}: ${error.message}`;
  }
  return "nothing was refused";
}

/** A ring of facts among the first entities of a large graph. */
function ring() {
  const length = 1_000;
  const heads = Int32Array.from({ length }, (_, i) => i);
  const split = { heads, relations: new Int32Array(length), tails: heads.map((i) => (i + 1) % length), length };
  const names = Array.from({ length: entities }, (_, i) => `e${i}`);
  return {
    name: "ring",
    fingerprint: "f".repeat(64),
    entities: { names, size: entities },
    relations: { names: ["next"], size: 1 },
    train: split,
    valid: split,
    test: split,
  };
}

/** Trains until a step, which leaves a checkpoint; `from` is the step that it must go on from. */
async function trainTo(step, checkpoint, data, from) {
  const stop = new Error("far enough");
  const controller = new AbortController();
  const options = { model: { name: "TransE", dim }, epochs: 5, batchSize: 256, negatives: 8 };
  try {
    for await (const event of train(options, {
      data,
      checkpoint,
      checkpointMinutes: 0,
      signal: controller.signal,
    })) {
      if (event.type === "start" && event.resumedAt !== from) throw new Error(`It began at step ${event.resumedAt}.`);
      if (event.type === "checkpoint" && event.step === step) controller.abort(stop);
    }
  } catch (error) {
    if (error !== stop) throw error;
  }
}

/** A hash of the arrays of a checkpoint; its state holds seconds. */
async function arraysOf(checkpoint) {
  const file = await openSafetensors(checkpoint);
  const hash = createHash("sha256");
  for (const name of file.tensors.keys()) hash.update(name).update(await file.read(name));
  await file.close();
  return hash.digest("hex");
}

async function checkpoints() {
  const checkpoint = join(folder, "checkpoint.safetensors");
  const data = ring();
  let unbroken;
  await check("a checkpoint over 2 GiB is written", async () => {
    await trainTo(2, checkpoint, data, 0);
    large(checkpoint, 2);
    unbroken = await arraysOf(checkpoint);
    rmSync(checkpoint);
    return true;
  });
  await check("a run goes on from one to the same bits", async () => {
    await trainTo(1, checkpoint, data, 0);
    await trainTo(2, checkpoint, data, 1);
    return (await arraysOf(checkpoint)) === unbroken || "the arrays differ";
  });
  await check("cut off, it is refused by name", async () => {
    truncateSync(checkpoint, Math.floor(statSync(checkpoint).size / 2));
    return refused(trainTo(2, checkpoint, data, 1), "TRAINER_CHECKPOINT", /the checkpoint is cut off/);
  });
  rmSync(checkpoint);
}

async function models() {
  const names = { entities: Array.from({ length: entities }, (_, i) => `e${i}`), relations: ["next"] };
  for (const width of [dim, wide]) {
    const directory = join(folder, `model-${width}`);
    await check(`a model of ${entities} x ${width} is saved, loaded and equal`, async () => {
      const model = await createModel({ model: "TransE", dim: width, entities, relations: 1, seed: width });
      await saveModel(model, directory, names);
      if (width === wide) large(join(directory, "model.safetensors"), 2);
      const loaded = await loadModel(directory);
      const odd = [...model.tables].find(([name, { data }]) => !same(data, loaded.model.table(name).data));
      model.dispose();
      loaded.model.dispose();
      if (odd !== undefined) return `${odd[0]} differs`;
      return loaded.entities.every((name, i) => name === names.entities[i]) || "the names differ";
    });
    rmSync(directory, { recursive: true });
  }
  const directory = join(folder, "sparse");
  const small = await createModel({ model: "TransE", dim: 4, entities: 3, relations: 1 });
  await saveModel(small, directory, { entities: ["a", "b", "c"], relations: ["r"] });
  await check("a sparse file of 2,300 MB in place of the parameters is refused as no safetensors file", async () => {
    truncateSync(join(directory, "model.safetensors"), 0);
    truncateSync(join(directory, "model.safetensors"), 2_300_000_000);
    return refused(loadModel(directory), "SAFETENSORS_HEADER", /not a safetensors file/);
  });
}

process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));
await tensors();
await checkpoints();
await models();
await report({
  trial: "large",
  cases,
  held: cases - failures.length,
  seconds: (performance.now() - started) / 1000,
  peakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
  failures,
});
