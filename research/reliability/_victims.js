// The commands that kills.js kills: small graphs and models, a few seconds each, most of them spent on writing checkpoints.
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const bin = fileURLToPath(new URL("../../apps/cli/bin/mulde.js", import.meta.url));

const size = 800;
const steps = { one: [1], seven: [7], far: [131], near: [-2, 2] };

/** Writes a graph of arithmetic modulo 800, and returns its directory. */
function writeGraph(directory) {
  const splits = { train: [], valid: [], test: [] };
  let count = 0;
  for (const [relation, by] of Object.entries(steps)) {
    for (let head = 0; head < size; head++) {
      for (const step of by) {
        count++;
        const split = count % 40 === 0 ? "valid" : count % 40 === 20 ? "test" : "train";
        splits[split].push(`n${head}\t${relation}\tn${(head + step + size) % size}\n`);
      }
    }
  }
  mkdirSync(directory, { recursive: true });
  for (const [split, lines] of Object.entries(splits)) writeFileSync(join(directory, `${split}.txt`), lines.join(""));
  return directory;
}

const experiment = `name: ring
data: ring
seed: 1
defaults:
  { batchSize: 512, negatives: 15, optimizer: { learningRate: 0.02 }, epochs: 6, validation: { every: 2 } }
teachers:
  - { name: first, model: { name: RotH, dim: 32 } }
  - { name: second, model: { name: ComplEx, dim: 32 }, loss: 1vsAll }
junior:
  model: { name: RotH, dim: 16 }
  optimizer: { averaging: 0.9 }
  soft: { candidates: 20 }
`;

const training = ["--batch-size", "512", "--negatives", "15", "--learning-rate", "0.02", "--set", "validation.every=2"];

/**
 * The commands, each with its unbroken run.
 *
 * @param root - an empty directory
 */
export async function prepare(root) {
  const data = writeGraph(join(root, "ring"));
  writeFileSync(join(root, "ring.yaml"), experiment);
  const train = (name, dim, seed) => [
    ...["train", "--data", data, "--model", name, "--dim", dim, "--seed", seed, "--epochs", "12"],
    ...training,
  ];
  const teachers = ["RotH", "TransE"].map((name) => ({ name, out: join(root, name) }));
  for (const { name, out } of teachers) await mulde([...train(name, "16", "3"), "--out", out]);
  const older = join(root, "older");
  await mulde([...train("RotH", "32", "4"), "--out", older]);
  const from = teachers.map(({ out }) => out).join(",");
  const victims = [
    { name: "train", args: train("RotH", "32", "5") },
    {
      name: "distil",
      args: [
        "distil",
        "--data",
        data,
        "--teachers",
        from,
        "--dim",
        "16",
        "--top-k",
        "20",
        "--epochs",
        "6",
        ...training,
      ],
    },
    { name: "run", args: ["run", join(root, "ring.yaml")] },
    // Over an older model, which counts until the new one is whole.
    { name: "train --force", args: [...train("RotH", "32", "5"), "--force"], older },
  ];
  for (const victim of victims) {
    const out = join(root, "whole", victim.name.replaceAll(" ", ""));
    const begin = performance.now();
    await mulde([...victim.args, "--out", out, "--checkpoint-minutes", "0"]);
    victim.milliseconds = performance.now() - begin;
    victim.whole = snapshot(out);
    if (victim.older) victim.before = snapshot(victim.older);
  }
  return victims;
}

/** A new directory of results, with the older model if the command has one. */
export function newOut(root, { older }, name) {
  const out = join(root, name);
  mkdirSync(out, { recursive: true });
  if (older) cpSync(older, out, { recursive: true });
  return out;
}

/** Runs the command to its end, which must be a good one. */
async function mulde(args) {
  await promisify(execFile)(process.execPath, [bin, ...args], { maxBuffer: 1 << 26 });
}

/** Starts the command. `ended` resolves to how it ended. */
export function start(args, threads) {
  const child = spawn(process.execPath, [bin, ...args], {
    env: { ...process.env, MULDE_THREADS: String(threads) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  const ended = new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, ended };
}

/** All files below a directory with what is in them; times are left out of JSON. */
export function snapshot(directory) {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
  return Object.fromEntries(paths.map((path) => [path.slice(directory.length + 1), contentOf(path)]));
}

function contentOf(path) {
  const bytes = readFileSync(path);
  if (!path.endsWith(".json")) return createHash("sha256").update(bytes).digest("hex");
  return JSON.stringify(JSON.parse(bytes.toString("utf8")), (key, value) => (key === "seconds" ? undefined : value));
}

/** What differs between two snapshots, as a list of files. */
export function differences(found, wanted) {
  const names = new Set([...Object.keys(found), ...Object.keys(wanted)]);
  return [...names].filter((name) => found[name] !== wanted[name]);
}
