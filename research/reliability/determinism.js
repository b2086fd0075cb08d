// Whether a seed decides the result: what _trained.js trains has the same bytes with every number of threads, in every run and on every Node, and
// engines agree within bounds (_compare.js says which, and why they differ at all).
//
//   node research/reliability/determinism.js [--mini] [--node BINARY]... [--record]
//
// --node: another Node to run it on; give one for each. --mini: fewer numbers of threads.
import { execFileSync } from "node:child_process";
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

if (flags.node.length === 0) console.error(`!!! SKIPPED other Nodes than ${process.version}: none is given by --node`);
for (const node of flags.node) {
  const version = execFileSync(node, ["--version"], { encoding: "utf8" }).trim();
  for (const [name, options] of all) {
    checkSame(`${name}, Node ${version}`, references.get(name), trained(node, { ...options, threads: 2 }));
  }
}

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
