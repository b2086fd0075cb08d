// The SHA-256 of every model's parameters after its first 40 steps, for every experiment, every preset, and every option beside: a change that
// must not change behaviour leaves them as they are. They are printed as JSON, by "experiment/model".
//
//   node research/golden/golden.js [--whole] [--against FILE.json]
//
// --whole takes graphs of the archives' sizes (three minutes natively) and leaves `options.yaml` out. --against compares with hashes printed
// before, prints those that differ, and exits with 1 if any do. MULDE_KERNELS and MULDE_THREADS choose the engine: on WebAssembly the bytes are
// the same everywhere, and `wasm.json` has them (with MULDE_TFJS=wasm, for models that the kernels do not fuse); native ones are the same on one kind of processor.
import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { distilSchema, merged, parseExperiment, parseOptions, trainSchema } from "@mulde/mulde-trainer";
import { parse } from "yaml";
import { experiments } from "../../scripts/_experiments.js";
import { Budget } from "./budget.js";
import { graphs } from "./graphs.js";

const { values: flags } = parseArgs({
  options: { whole: { type: "boolean", default: false }, against: { type: "string" } },
});
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const root = here("../..");
const all = experiments(root);
const graph = graphs(flags.whole ? "whole" : "small");
const budget = await Budget.create();
const hashes = {};

for (const { name, file } of all) await experiment(name, readYaml(join(root, file)));
if (!flags.whole) await options();
if (flags.against === undefined) console.log(JSON.stringify(hashes, null, 2));
else compare(JSON.parse(readFileSync(flags.against, "utf8")));

function readYaml(file) {
  return parseExperiment(parse(readFileSync(file, "utf8"), { merge: true }), file);
}

async function experiment(name, { data, teachers, junior, undistilled, juniorTeachers, variants }) {
  const own = graph(data);
  const trained = [];
  for (const plan of teachers) {
    trained.push(
      plan.teachers
        ? await budget.distil(
            own,
            plan.options,
            plan.teachers.map((i) => trained[i]),
            plan.name,
          )
        : await budget.train(own, plan.options ?? optionsOf(plan.from), plan.name),
    );
    hashes[`${name}/${plan.name}`] = trained.at(-1).hash;
  }
  for (const plan of [{ name: "distilled", options: junior, undistilled, teachers: juniorTeachers }, ...variants]) {
    if (plan.undistilled) hashes[`${name}/${plan.name}-twin`] = (await budget.train(own, plan.undistilled)).hash;
    hashes[`${name}/${plan.name}`] = (
      await budget.distil(
        own,
        plan.options,
        plan.teachers.map((i) => trained[i]),
      )
    ).hash;
  }
}

/** The options of a teacher from an earlier run, `../../runs/PRESET/TEACHER`: it is trained here by that preset. */
function optionsOf(from) {
  const { file } = all.find(({ name }) => name === basename(dirname(from)));
  const { teachers } = readYaml(join(root, file));
  return teachers.find(({ name }) => name === basename(from)).options;
}

async function options() {
  const data = graph("wordnet31-small");
  const { train, distil } = parse(readFileSync(here("options.yaml"), "utf8"));
  const shared = { model: { dim: 8 }, epochs: 12, batchSize: 128, negatives: 15, validation: { every: 3 } };
  const teachers = [];
  for (const model of [
    { name: "RotH", dim: 16 },
    { name: "DistMult", dim: 8 },
  ]) {
    teachers.push(await budget.train(data, parseOptions(trainSchema, { model })));
  }
  for (const [name, own] of Object.entries(train)) {
    hashes[`options/train ${name}`] = (await budget.train(data, parseOptions(trainSchema, merged(shared, own)))).hash;
  }
  for (const [name, own] of Object.entries(distil)) {
    const whole = parseOptions(distilSchema, merged({ ...shared, soft: { candidates: 16 } }, own));
    hashes[`options/distil ${name}`] = (await budget.distil(data, whole, teachers)).hash;
  }
}

function compare(expected) {
  const names = Object.keys({ ...expected, ...hashes });
  const differing = names.filter((name) => expected[name] !== hashes[name]);
  for (const name of differing) console.log(`differs: ${name}`);
  console.log(`${names.length - differing.length} of ${names.length} hashes are the same.`);
  process.exitCode = differing.length === 0 ? 0 : 1;
}
