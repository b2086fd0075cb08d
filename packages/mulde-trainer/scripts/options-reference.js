// Writes docs/options.md, the reference of all options, from the schemas: node scripts/options-reference.js, after a build. --stdout prints it.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { modelNames } from "@mulde/kge-models";
import { z } from "zod";
import { distilSchema, expanded, experimentSchema, formerOptions, optionEntries } from "../dist/index.js";

const path = fileURLToPath(new URL("../../../docs/options.md", import.meta.url));

const about = {
  "": "The run as a whole.",
  model: "The model that is trained.",
  optimizer: "How gradients move the parameters.",
  schedule: "How the learning rate changes over the steps.",
  loss: "What is learned from the facts.",
  negatives: "Wrong answers for sampled losses.",
  regularizer: "What keeps parameters small, and models from learning facts by heart.",
  validation: "How often the validation split is ranked, and when training stops early.",
  soft: "What is learned from the teachers; `distil` only.",
  "soft.candidates": "Which entities the soft label compares; `distil` only.",
  senior: "How the teachers' scores become one soft label; `distil` only.",
};

const experiment = `\`\`\`yaml
name: wordnet-small
data: wordnet31-small
seed: 1
defaults:
  epochs: 60
  optimizer: { learningRate: 0.002 }
teachers:
  - { model: { name: TransH, dim: 64 } }
  - { model: { name: RotH, dim: 64 }, name: second }
  - { from: runs/earlier/RefH }
junior:
  model: { name: RotH, dim: 16 }
  soft: { weight: 0.1, candidates: 64 }
  teachers: [TransH, second]
undistilled: true
variants:
  no-scaling: { senior: { scaling: none } }
\`\`\``;

const page = [
  "# Options",
  "<!-- Written by packages/mulde-trainer/scripts/options-reference.js: change the schemas, then run it. -->",
  "Every option of `train`, `distil` and experiments, with its default. `mulde options` prints the same in a terminal.",
  "Write options nested, in JavaScript and in YAML: `{ optimizer: { learningRate: 0.01 } }`. On the command line, use a flag or `--set optimizer.learningRate=0.01`. " +
    "You may leave out whatever has its default. A noun may be written short:",
  table(["short", "means"], shorthands()),
  ...[...nouns()].flatMap(([noun, entries]) => [
    `## ${noun === "" ? "Run" : `\`${noun}\``}`,
    about[noun],
    table(["option", "default", "values", "meaning"], entries.map(row)),
  ]),
  "## Experiments",
  "`mulde run` and `parseExperiment` read an experiment: teachers, a Junior, its undistilled twin, and variants. Sections hold the options above.",
  table(
    ["field", "default", "meaning"],
    [...optionEntries(experimentSchema)].map(({ name, default: value, description }) => [
      code(name),
      value === undefined ? "required" : code(JSON.stringify(value)),
      description,
    ]),
  ),
  experiment,
  "`defaults` lie below every section, and the Junior's options below those of its twin and variants; nouns merge field by field. The twin takes all options that are " +
    "not about teachers, so both Juniors have the same budget. Teacher number i, counted from 1, has the seed `seed + i`, the Junior and its twin `seed`, unless a section " +
    "says otherwise. Teachers with the same name are numbered.",
  "## Former names",
  "Older versions had flat options. An error about a former name tells the new one:",
  table(
    ["former", "now"],
    Object.entries(formerOptions).map((names) => names.map(code)),
  ),
].join("\n\n");

if (process.argv.includes("--stdout")) process.stdout.write(`${page}\n`);
else writeFileSync(path, `${page}\n`);

/** The options of each noun, by its dotted name; "" has those of the run itself. */
function nouns() {
  const found = new Map();
  for (const entry of optionEntries(distilSchema)) {
    const noun = entry.name.slice(0, Math.max(0, entry.name.lastIndexOf(".")));
    found.set(noun, [...(found.get(noun) ?? []), entry]);
  }
  return found;
}

function row({ name, schema, default: value, description }) {
  return [
    code(name),
    code(JSON.stringify(value)),
    name === "model.name" ? modelNames().join(", ") : values(schema),
    description,
  ];
}

/** What an option may be, in words. */
function values(schema) {
  const { type, enum: choices, ...range } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  if (choices) return choices.join(", ");
  if (type === "boolean") return "true, false";
  if (type === "array") return "list";
  const kind = type === "integer" ? "whole" : "number";
  const { minimum: min, maximum: max, exclusiveMinimum: above, exclusiveMaximum: below } = range;
  const limits = [
    ...(above === undefined ? [] : [`> ${above}`]),
    ...(min === undefined ? [] : [`≥ ${min}`]),
    ...(below === undefined ? [] : [`< ${below}`]),
    // Any safe integer.
    ...(max === undefined || max === Number.MAX_SAFE_INTEGER ? [] : [`≤ ${max}`]),
  ];
  return [kind, limits.join(", ")].join(" ");
}

/** Which field a noun written as one value is. */
function shorthands() {
  return [...nouns().keys()].flatMap((noun) => {
    const key = noun.slice(noun.lastIndexOf(".") + 1);
    return ["NAME", 7].flatMap((value) => {
      const long = expanded({ [key]: value })[key];
      if (typeof long !== "object") return [];
      return [[code(`${noun}: ${value === 7 ? "NUMBER" : value}`), code(`${noun}.${Object.keys(long)[0]}`)]];
    });
  });
}

function code(text) {
  return `\`${text}\``;
}

function table(heads, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)].join("\n");
}
