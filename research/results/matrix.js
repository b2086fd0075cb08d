// Writes the tables of matrix.md: node research/results/matrix.js [--epochs 10], after a build; a quarter of an hour.
// It trains every model with every loss, and Juniors of three families with every kind of teacher, each for a few epochs on the embedded
// WordNet graph, and asks which options are refused. --mini trains one epoch on a tiny graph and prints the page instead of writing it.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadDataset, syntheticDataset } from "@mulde/datasets";
import { modelNames, modelTeacher, sharedKernels } from "@mulde/kge-models";
import { distil, evaluateModel, prepareData, train } from "@mulde/mulde-trainer";
import {
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
const base = { epochs, validation: { every: epochs }, schedule: { name: "cosine", warmup: 0 }, seed: 0 };
const shape = (name, dim = 16) => ({ name, dim, curvature: "relation" });
const sampled = { batchSize: 256, negatives: 63, optimizer: { learningRate: 0.005 } };
const all = { batchSize: 128, optimizer: { learningRate: 0.01 } };
const losses = {
  bce: { ...sampled, loss: { name: "bce", adversarial: 0 } },
  "bce, adversarial": { ...sampled, loss: { name: "bce", adversarial: 1 } },
  crossEntropy: { ...sampled, loss: { name: "crossEntropy" } },
  margin: { ...sampled, loss: { name: "margin", margin: 3, adversarial: 1 } },
  "1vsAll": { ...all, batchSize: 256, loss: { name: "1vsAll" } },
  KvsAll: { ...all, loss: { name: "KvsAll", smoothing: 0.1 } },
  KvsAllSoftmax: { ...all, loss: { name: "KvsAllSoftmax" } },
};
const usual = losses["bce, adversarial"];
const soft = { candidates: { k: 64 }, weight: 2 };

/** Trains a model on the facts. */
async function fromFacts(name, loss, dim) {
  return (await train({ ...base, ...loss, model: shape(name, dim) }, { data }).result).model;
}

/** Distils a Junior from teachers. */
async function fromTeachers(options, context) {
  return (await distil({ ...base, soft, ...options }, { data, ...context }).result).model;
}

/** The test MRR of the model that a training returns, or the code of its error. */
async function mrr(trained) {
  try {
    const model = await trained();
    const report = await evaluateModel(model, data);
    model.dispose();
    return report.mrr.toFixed(3).replace(/^0/, "");
  } catch (error) {
    return error.code ?? String(error);
  }
}

/** The reason with which `distil` refuses options. */
function refusal(options) {
  try {
    distil({ ...base, ...options }, { data, teachers: [rotH] });
  } catch ({ path: [noun, ...field], reason }) {
    return `\`${[noun, ...field].join(".")}\`: ${reason}`;
  }
  throw new Error(`Nothing refuses ${JSON.stringify(options)}.`);
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

/** A teacher that scores a tail by how often it occurs with the relation. */
function popularityTeacher() {
  const counted = new Float32Array(numRelations * entities);
  for (let i = 0; i < queries.length; i++) counted[queries.relations[i] * entities + queries.tails[i]]++;
  return functionTeacher("popularity", (_heads, relations, candidates) => {
    const K = candidates.length / relations.length;
    const at = (tail, i) => relations[Math.floor(i / K)] * entities + tail;
    return Float32Array.from(candidates, (tail, i) => Math.log1p(counted[at(tail, i)]));
  });
}

const byLoss = await table(modelNames(), Object.keys(losses), (model, loss) =>
  mrr(() => fromFacts(model, losses[loss])),
);

const rotH = modelTeacher(await fromFacts("RotH", usual, 32), "RotH");
const complEx = modelTeacher(await fromFacts("ComplEx", usual, 32), "ComplEx");
const kernels = await sharedKernels();
const recorded = await recordScores(rotH, { ...queries, entities, top: 100 });
const both = uniformAverage({ teachers: 2, relations: numRelations, kernels });
const older = await fromTeachers({ ...usual, model: shape("RotH") }, { teachers: [rotH] });
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
    return fromTeachers({ ...usual, model: shape(model), senior: { normalization: "belowBest" } }, { teachers });
  }),
);
const byRegime = await table(Object.keys(losses), ["junior", "random", "sampled"], (name, source) =>
  mrr(() => {
    const loss = { adversarial: 0, ...losses[name].loss };
    const options = { ...losses[name], loss, model: shape("RotH"), soft: { ...soft, candidates: { source, k: 64 } } };
    return fromTeachers(options, { teachers: [rotH] });
  }),
);

// Options that `distil` refuses before it trains anything.
const clashes = {
  "`regularizer: DURA` and a hyperbolic model": { regularizer: "DURA" },
  "`negatives.bothEnds` and a loss other than `bce`": { loss: "margin", negatives: { bothEnds: 1 } },
  "`soft.candidates.source: sampled` and a loss over all entities": {
    loss: "1vsAll",
    soft: { candidates: { source: "sampled" } },
  },
  "`soft.queries` and a loss over all entities": { loss: "KvsAll", soft: { queries: 1 } },
  "`soft.confidence` and a loss over all entities": { loss: "KvsAllSoftmax", soft: { confidence: 1 } },
  "`soft.queries` and candidates other than the Junior's": {
    soft: { queries: 1, candidates: { source: "random" } },
  },
  "`soft.candidates.known: false` and candidates other than the Junior's": {
    soft: { candidates: { source: "random", known: false } },
  },
  "`soft.candidates.known: false` and learned scaling": { soft: { candidates: { known: false } } },
};
const byClash = await table(Object.keys(clashes), ["why"], (name) => refusal(clashes[name]));

const path = fileURLToPath(new URL("matrix.md", import.meta.url));
let text = readFileSync(path, "utf8");
for (const [name, lines] of Object.entries({ byLoss, byTeacher, byRegime, byClash })) {
  text = text.replace(new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- end -->)`), (_, a, b) => `${a}\n${lines}\n\n${b}`);
}
if (flags.mini) console.log(text);
else writeFileSync(path, text);
