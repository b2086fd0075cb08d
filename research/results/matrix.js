// Every model under every loss, and Juniors of three families under every kind of teacher, each trained for a few epochs on the embedded
// WordNet graph: writes the tables of matrix.md. node research/results/matrix.js [epochs], after a build; a quarter of an hour.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadDataset } from "@mulde/datasets";
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

const epochs = Number(process.argv[2] ?? 10);
const data = await loadDataset("wordnet31-small");
const { known, queries } = prepareData(data);
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

/** The test split's MRR of what a stream of training ends with; or why there is none. */
async function mrr(stream) {
  try {
    const { model } = await finish(stream);
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

const train = (model, loss, dim = 16) => pretrainTeacher({ ...base, ...losses[loss], model, dim }, { data });
const byLoss = await table(modelNames(), Object.keys(losses), (model, loss) => mrr(train(model, loss)));

const rotH = modelTeacher((await finish(train("RotH", "bce, adversarial", 32))).model, "RotH");
const complEx = modelTeacher((await finish(train("ComplEx", "bce, adversarial", 32))).model, "ComplEx");
const numRelations = 2 * data.relations.size;
const kernels = await sharedKernels();
const recorded = await recordScores(rotH, { ...queries, entities: data.entities.size, top: 100 });
const both = uniformAverage({ teachers: 2, relations: numRelations, kernels });
const first = { ...base, ...losses["bce, adversarial"], topK: 64, softWeight: 2 };
const older = await finish(distil({ ...first, model: "RotH" }, { data, teachers: [rotH] }));
const counted = new Float32Array(numRelations * data.entities.size);
for (let i = 0; i < queries.length; i++) counted[queries.relations[i] * data.entities.size + queries.tails[i]]++;
const popularity = functionTeacher("popularity", (_heads, relations, candidates) => {
  const K = candidates.length / relations.length;
  const at = (tail, i) => relations[Math.floor(i / K)] * data.entities.size + tail;
  return Float32Array.from(candidates, (tail, i) => Math.log1p(counted[at(tail, i)]));
});
const sets = {
  none: undefined,
  "RotH-32": [rotH],
  "ComplEx-32": [complEx],
  "RotH and ComplEx": [rotH, complEx],
  "their ensemble": [seniorTeacher(both, [rotH, complEx], "ensemble")],
  "a score table": [scoreTable("table", recorded)],
  "an earlier Junior": [modelTeacher(older.model, "junior")],
  "a function": [rotH, withTemperature(popularity, 1)],
};
const juniors = ["RotH", "TransE", "ComplEx"];
const byTeacher = await table(Object.keys(sets), juniors, (name, model) => {
  const options = { ...first, model };
  if (!sets[name]) return mrr(train(model, "bce, adversarial"));
  return mrr(distil(options, { data, teachers: sets[name], senior: { normalization: belowBest() } }));
});
const byRegime = await table(Object.keys(losses), ["junior", "random", "sampled"], (loss, candidates) => {
  const options = { ...first, adversarial: 0, ...losses[loss], model: "RotH", candidates };
  return mrr(distil(options, { data, teachers: [rotH] }));
});

const path = fileURLToPath(new URL("matrix.md", import.meta.url));
let text = readFileSync(path, "utf8");
for (const [name, lines] of Object.entries({ byLoss, byTeacher, byRegime })) {
  text = text.replace(new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- end -->)`), (_, a, b) => `${a}\n${lines}\n\n${b}`);
}
writeFileSync(path, text);
