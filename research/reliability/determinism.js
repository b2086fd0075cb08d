// Whether a seed decides the result: what _trained.js trains has the same bytes with every number of threads, in every run and on every Node, and
// engines agree within bounds (_compare.js says which, and why they differ at all).
//
//   node research/reliability/determinism.js [--mini] [--node BINARY]... [--record]
//
// --node: another Node to run it on; give one for each. Without any, npm installs those that Mulde supports. --mini: fewer numbers of threads, and
// no other Node.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { differing, distance, within } from "./_compare.js";
import { nativeInstructionSets } from "./_engines.js";
import { report } from "./_report.js";

const { values: flags } = parseArgs({
  options: {
    mini: { type: "boolean", default: false },
    node: { type: "string", multiple: true, default: [] },
    record: { type: "boolean", default: false },
  },
});
// More than cores, and numbers that share no factor with the blocks that work is cut into.
const threads = flags.mini ? [2, 32] : [2, 3, 7, 32];
const script = fileURLToPath(new URL("_trained.js", import.meta.url));
const start = performance.now();
let cases = 0;
let held = 0;

function trained(node, setting) {
  const text = execFileSync(node, [script, JSON.stringify(setting)], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
    // TensorFlow.js's backend is part of the setting, not of the machine.
    env: { ...process.env, MULDE_TFJS: "wasm" },
  });
  return JSON.parse(text).outcomes;
}

function check(name, wrong) {
  cases++;
  if (wrong === undefined) held++;
  console.error(`${name}: ${wrong ?? "held"}`);
}

function checkSame(name, one, other) {
  const names = differing(one, other);
  check(name, names.length === 0 ? undefined : `DIFFERS in ${names.join(", ")}`);
}

/** Binaries of the other Nodes that Mulde supports, as npm packages. */
function otherNodes() {
  const name = `node-${process.platform.replace("win32", "win")}-${process.arch}`;
  return [20, 22, 24].flatMap((major) => {
    if (process.version.startsWith(`v${major}.`)) return [];
    const folder = join(work, String(major));
    mkdirSync(folder);
    writeFileSync(join(folder, "package.json"), '{ "private": true }');
    const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", `${name}@${major}`];
    const { status } = spawnSync("npm", args, { cwd: folder, timeout: 300_000 });
    if (status === 0) return [join(folder, "node_modules", name, "bin/node")];
    console.error(`!!! SKIPPED Node ${major}: ${name}@${major} could not be installed`);
    return [];
  });
}

const native = await nativeInstructionSets();
if (native.length === 0) console.error("!!! SKIPPED the native engine: it does not load here");
// Name and options of createKernels.
const all = [...native.map((isa) => [isa, { engine: "native", isa }]), ["wasm", { engine: "wasm" }]];
const references = new Map();
for (const [name, options] of all) {
  const reference = trained(process.execPath, { ...options, threads: 1 });
  references.set(name, reference);
  checkSame(`${name}, once more`, reference, trained(process.execPath, { ...options, threads: 1 }));
  for (const count of threads) {
    checkSame(`${name}, ${count} threads`, reference, trained(process.execPath, { ...options, threads: count }));
  }
}

const work = mkdtempSync(join(tmpdir(), "mulde-determinism-"));
const nodes = flags.node.length > 0 || flags.mini ? flags.node : otherNodes();
for (const node of nodes) {
  const version = execFileSync(node, ["--version"], { encoding: "utf8" }).trim();
  for (const [name, options] of all) {
    checkSame(`${name}, Node ${version}`, references.get(name), trained(node, { ...options, threads: 2 }));
  }
}

rmSync(work, { recursive: true });

const distances = {};
for (const [i, [one]] of all.entries()) {
  for (const [other] of all.slice(i + 1)) {
    const apart = distance(references.get(one), references.get(other));
    distances[`${one} ${other}`] = apart;
    const text = `scores ${apart.scores.toExponential(1)}, MRR ${apart.mrr.toExponential(1)} apart`;
    console.error(`${one} and ${other}: ${text}`);
    check(`${one} and ${other}`, within(apart) ? undefined : `TOO FAR APART: ${text}`);
  }
}

await report({ trial: "determinism", cases, held, seconds: (performance.now() - start) / 1000, distances });
