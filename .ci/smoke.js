// Whether Mulde works as it is installed in a folder, on the Node that runs this: node .ci/smoke.js FOLDER
// Imports every package, asks `mulde info`, distils a tiny Junior, and asks it a question by name.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const scope = resolve(process.argv[2] ?? ".", "node_modules/@mulde");
const work = mkdtempSync(join(tmpdir(), "mulde-smoke-"));

/** What a command prints with --json; what it tells while it works is shown if it fails. */
function mulde(...args) {
  const cli = join(scope, "cli/bin/mulde.js");
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args, "--json"], {
    cwd: work,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`mulde ${args.join(" ")} failed:\n${stderr}${stdout}`);
  return JSON.parse(stdout);
}

function expect(condition, what, found) {
  if (!condition) throw new Error(`${what}: ${JSON.stringify(found)}`);
}

/** A ring of 40 entities, each linked to the next and to the one after it. */
function writeGraph(folder) {
  const names = Array.from({ length: 40 }, (_, i) => `e${i}`);
  const lines = names.flatMap((name, i) => [
    `${name}\tnext\t${names[(i + 1) % 40]}`,
    `${name}\tover\t${names[(i + 2) % 40]}`,
  ]);
  const split = (rest) => lines.filter((_, i) => (i % 10 < 8 ? "train" : i % 10 === 8 ? "valid" : "test") === rest);
  mkdirSync(folder);
  for (const name of ["train", "valid", "test"])
    writeFileSync(join(folder, `${name}.tsv`), `${split(name).join("\n")}\n`);
}

const experiment = `
name: smoke
data: graph
defaults: { epochs: 60, validation: { every: 60 }, batchSize: 16, negatives: 20, optimizer: { learningRate: 0.03 } }
teachers: [{ model: { name: RotH, dim: 8 } }, { model: { name: ComplEx, dim: 8 } }]
junior: { model: { name: RotE, dim: 8 }, soft: { candidates: { k: 8 } } }
`;

try {
  for (const name of readdirSync(scope)) {
    const { exports: entries } = JSON.parse(readFileSync(join(scope, name, "package.json"), "utf8"));
    const entry = entries?.["."]?.default;
    if (entry === undefined) continue;
    const module = await import(pathToFileURL(join(scope, name, entry)).href);
    expect(Object.keys(module).length > 0, `@mulde/${name} exports nothing`, entry);
  }
  const info = mulde("info");
  writeGraph(join(work, "graph"));
  writeFileSync(join(work, "smoke.yaml"), experiment);
  const { rows } = mulde("run", "smoke.yaml", "--out", "runs");
  const junior = rows?.find(({ role }) => role === "distilled");
  // The ring is easy: random scores have .1.
  expect(junior?.mrr > 0.5, "no distilled Junior that learned the ring", rows);
  const answer = mulde("predict", "runs/distilled", "--head", "e0", "--relation", "next", "--top", "3");
  expect(JSON.stringify(answer).match(/"e\d+"/g)?.length >= 3, "no three answers by name", answer);
  console.log(`Node ${process.version}: MRR ${junior.mrr.toFixed(3)}; ${JSON.stringify(info)}`);
} finally {
  rmSync(work, { recursive: true });
}
