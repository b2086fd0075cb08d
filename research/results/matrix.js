// Trains every model under every loss, and Juniors of three families under every kind of teacher, each for a few epochs on the embedded
// WordNet graph, and writes the tables of matrix.md: node research/results/matrix.js [--epochs 10], after a build; a quarter of an hour.
// --mini trains for one epoch on a tiny graph and prints the page in place of writing it, to show which combinations work.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadDataset, syntheticDataset } from "@mulde/datasets";
import { modelNames, modelTeacher, sharedKernels } from "@mulde/kge-models";
import { distil, evaluateModel, merged, prepareData, train } from "@mulde/mulde-trainer";
import {
  belowBest,
  functionTeacher,
  recordScores,
  scoreTable,
  seniorTeacher,
  uniformAverage,
  withTemperature,
} from "@mulde/senior";

const { values: flags } = parseArgs({ options: { epochs: { type: "string" }, mini: { type: "boolean" } } });
const epochs = Number(flags.epochs ?? (flags.mini ? 1 : 10));
const tiny = { entities: 150, relations: 3, triples: 600, valid: 0.05, test: 0.05, seed: 1 };
const data = flags.mini ? syntheticDataset(tiny) : await loadDataset("wordnet31-small");
const { queries } = prepareData(data);
const entities = data.entities.size;
const numRelations = 2 * data.relations.size;

// Options of the trainer.
const base = {
  model: { dim: 16, curvature: "relation" },
  epochs,
  batchSize: 256,
  optimizer: { learningRate: 0.005 },
  schedule: { name: "cosine", warmup: 0 },
  negatives: 63,
  validation: { every: epochs },
};
const losses = {
  bce: { loss: { name: "bce", adversarial: 0 } },
  "bce, adversarial": { loss: { name: "bce", adversarial: 1 } },
  crossEntropy: { loss: "crossEntropy" },
  margin: { loss: { name: "margin", margin: 3, adversarial: 1 } },
  "1vsAll": { optimizer: { learningRate: 0.01 }, loss: "1vsAll" },
  KvsAll: { batchSize: 128, optimizer: { learningRate: 0.01 }, loss: { name: "KvsAll", smoothing: 0.1 } },
  KvsAllSoftmax: { batchSize: 128, optimizer: { learningRate: 0.01 }, loss: "KvsAllSoftmax" },
};
const soft = { weight: 2, candidates: 64 };
const usual = "bce, adversarial";

/** Options of a loss with others on top. */
const optionsOf = (loss, own) => merged(merged(base, losses[loss]), own);

/** A model trained on the facts. */
async function fromFacts(name, loss, dim = base.model.dim) {
  return (await train(optionsOf(loss, { model: { name, dim } }), { data }).result).model;
}

/** A Junior distilled from teachers. */
async function fromTeachers(loss, own, context) {
  return (await distil(optionsOf(loss, merged({ soft }, own)), { data, ...context }).result).model;
}

/** The test split's MRR of the model that a training returns; or the code of its error. */
async function mrr(training) {
  try {
    const model = await training();
    const report = await evaluateModel(model, data);
    model.dispose();
    return report.mrr.toFixed(3).replace(/^0/, "");
  } catch (error) {
    return error.code ?? String(error);
  }
}

async function table(rows, columns, cell) {
  const lines = [`| | ${columns.join(" | ")} |`, `| --- |${" --- |".repeat(columns.length)}`];
  for (const row of rows) {
    const cells = [];
    for (const column of columns) cells.push(await cell(row, column));
    lines.push(`| ${row} | ${cells.join(" | ")} |`);
    console.error(lines.at(-1));
  }
  return lines.join("\n");
}

/** A teacher that scores a tail by how often the relation ends in it. */
function popularityTeacher() {
  const counted = new Float32Array(numRelations * entities);
  for (let i = 0; i < queries.length; i++) counted[queries.relations[i] * entities + queries.tails[i]]++;
  return functionTeacher("popularity", (_heads, relations, candidates) => {
    const K = candidates.length / relations.length;
    const at = (tail, i) => relations[Math.floor(i / K)] * entities + tail;
    return Float32Array.from(candidates, (tail, i) => Math.log1p(counted[at(tail, i)]));
  });
}

const byLoss = await table(modelNames(), Object.keys(losses), (model, loss) => mrr(() => fromFacts(model, loss)));

const rotH = modelTeacher(await fromFacts("RotH", usual, 32), "RotH");
const complEx = modelTeacher(await fromFacts("ComplEx", usual, 32), "ComplEx");
const kernels = await sharedKernels();
const recorded = await recordScores(rotH, { ...queries, entities, top: 100 });
const both = uniformAverage({ teachers: 2, relations: numRelations, kernels });
const older = await fromTeachers(usual, { model: "RotH" }, { teachers: [rotH] });
const sets = {
  none: undefined,
  "RotH-32": [rotH],
  "ComplEx-32": [complEx],
  "RotH and ComplEx": [rotH, complEx],
  "their ensemble": [seniorTeacher(both, [rotH, complEx], "ensemble")],
  "a score table": [scoreTable("table", recorded)],
  "an earlier Junior": [modelTeacher(older, "junior")],
  "a function": [rotH, withTemperature(popularityTeacher(), 1)],
};
const byTeacher = await table(Object.keys(sets), ["RotH", "TransE", "ComplEx"], (name, model) =>
  mrr(() => {
    const teachers = sets[name];
    if (!teachers) return fromFacts(model, usual);
    return fromTeachers(usual, { model }, { teachers, parts: { senior: { normalization: belowBest() } } });
  }),
);
const byRegime = await table(Object.keys(losses), ["junior", "random", "sampled"], (loss, candidates) =>
  mrr(() => fromTeachers(loss, { model: "RotH", soft: { candidates: { source: candidates } } }, { teachers: [rotH] })),
);

const path = fileURLToPath(new URL("matrix.md", import.meta.url));
let text = readFileSync(path, "utf8");
for (const [name, lines] of Object.entries({ byLoss, byTeacher, byRegime })) {
  text = text.replace(new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- end -->)`), (_, a, b) => `${a}\n${lines}\n\n${b}`);
}
if (flags.mini) console.log(text);
else writeFileSync(path, text);
