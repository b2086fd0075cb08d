// Trains every model under every loss, and Juniors of three families under every kind of teacher, each for a few epochs on the embedded
// WordNet graph, and writes the tables of matrix.md: node research/results/matrix.js [--epochs 10], after a build; a quarter of an hour.
// --mini trains for one epoch on a tiny graph and prints the page in place of writing it, to show which combinations work.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadDataset, syntheticDataset } from "@mulde/datasets";
import { evaluate } from "@mulde/eval";
import { modelNames, modelScorer, modelTeacher, sharedKernels } from "@mulde/kge-models";
import { distil, finish, prepareData, pretrainTeacher } from "@mulde/mulde-trainer";
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
const { known, queries } = prepareData(data);
const entities = data.entities.size;
const numRelations = 2 * data.relations.size;

// Options of the trainer.
const base = { dim: 16, epochs, curvature: "relation", validateEvery: epochs, schedule: "cosine", warmup: 0, seed: 0 };
const sampled = { batchSize: 256, negatives: 63, learningRate: 0.005 };
const losses = {
  bce: { ...sampled, loss: "bce", adversarial: 0 },
  "bce, adversarial": { ...sampled, loss: "bce", adversarial: 1 },
  crossEntropy: { ...sampled, loss: "crossEntropy" },
  margin: { ...sampled, loss: "margin", margin: 3, adversarial: 1 },
  "1vsAll": { batchSize: 256, learningRate: 0.01, loss: "1vsAll" },
  KvsAll: { batchSize: 128, learningRate: 0.01, loss: "KvsAll", labelSmoothing: 0.1 },
  KvsAllSoftmax: { batchSize: 128, learningRate: 0.01, loss: "KvsAllSoftmax" },
};
const soft = { topK: 64, softWeight: 2 };
const usual = "bce, adversarial";

/** The model that a training on the facts ends with. */
async function fromFacts(model, loss, dim = base.dim) {
  return (await finish(pretrainTeacher({ ...base, ...losses[loss], model, dim }, { data }))).model;
}

/** The Junior that some teachers end with. */
async function fromTeachers(options, context) {
  return (await finish(distil({ ...base, ...soft, ...options }, { data, ...context }))).model;
}

/** The test split's MRR of the model that a training returns; or the code of its error. */
async function mrr(train) {
  try {
    const model = await train();
    const report = await evaluate(modelScorer(model), { triples: data.test, numRelations: data.relations.size, known });
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
const older = await fromTeachers({ ...losses[usual], model: "RotH" }, { teachers: [rotH] });
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
    return fromTeachers({ ...losses[usual], model }, { teachers, senior: { normalization: belowBest() } });
  }),
);
const byRegime = await table(Object.keys(losses), ["junior", "random", "sampled"], (loss, candidates) =>
  mrr(() => fromTeachers({ adversarial: 0, ...losses[loss], model: "RotH", candidates }, { teachers: [rotH] })),
);

const path = fileURLToPath(new URL("matrix.md", import.meta.url));
let text = readFileSync(path, "utf8");
for (const [name, lines] of Object.entries({ byLoss, byTeacher, byRegime })) {
  text = text.replace(new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- end -->)`), (_, a, b) => `${a}\n${lines}\n\n${b}`);
}
if (flags.mini) console.log(text);
else writeFileSync(path, text);
