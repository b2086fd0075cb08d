import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { mulde, muldeJson, temporary } from "./_cli.js";
import { quick, type TrainAnswer, writeGraph } from "./_graph.js";

const ownModel = `import { defineModel, relationRows } from "@mulde/kge-models";

defineModel({
  name: "Shift",
  similarity: "euclidean",
  dimMultiple: 1,
  tables: { shift: { width: (dim) => dim, init: "normal" } },
  encode: (tf, inputs) => tf.add(inputs.head, relationRows(inputs, "shift")),
});
`;

let data: string;
// Where the module stands and the commands run: a folder that has the packages installed.
let cwd: string;

beforeAll(() => {
  data = writeGraph();
  cwd = temporary();
  symlinkSync(fileURLToPath(new URL("../node_modules", import.meta.url)), join(cwd, "node_modules"), "junction");
  writeFileSync(join(cwd, "my-model.mjs"), ownModel);
});

const own = ["--import", "./my-model.mjs"] as const;

test("run trains a model that an imported module defines", async () => {
  const file = join(dirname(data), "own.yaml");
  writeFileSync(
    file,
    `name: own
data: ring
defaults: { batchSize: 64, negatives: 20, epochs: 2, soft: { candidates: 20 } }
teachers: [{ model: { name: Shift, dim: 8 } }]
junior: { model: { name: Shift, dim: 4 } }
`,
  );
  const out = join(temporary(), "own");
  const args = ["run", file, "--out", out];
  const { rows } = await muldeJson<{ rows: { name: string; model: string }[] }>([...args, ...own], { cwd });
  expect(rows.map(({ name, model }) => [name, model])).toEqual([
    ["Shift", "Shift"],
    ["undistilled", "Shift"],
    ["distilled", "Shift"],
    ["senior", "Shift"],
  ]);
  const without = await mulde(args, { cwd });
  expect(without.code).toBe(1);
  expect(without.stderr).toMatch(/own\.yaml:4, teachers\.0\.model\.name: There is no model "Shift".*--import/);
});

test("every other command takes an own model, too", async () => {
  const teacher = join(temporary(), "teacher");
  const model = ["--dim", "8", "--data", data, ...quick, "--epochs", "2", ...own];
  const answer = await muldeJson<TrainAnswer>(["train", "--model", "Shift", ...model, "--out", teacher], { cwd });
  expect(answer.model).toBe("Shift");
  const { mrr } = await muldeJson<{ mrr: number }>(["evaluate", teacher, "--data", data, ...own], { cwd });
  expect(mrr).toBeCloseTo(answer.test.mrr, 12);
  const triples = join(cwd, "triples.tsv");
  writeFileSync(triples, "n1\tplus1\tn2\n");
  const { scores } = await muldeJson<{ scores: number[] }>(["score", teacher, "--triples", triples, ...own], { cwd });
  expect(scores).toHaveLength(1);
  const query = ["predict", teacher, "--head", "n1", "--relation", "plus1", "--top", "3"];
  const { predictions } = await muldeJson<{ predictions: unknown[] }>([...query, ...own], { cwd });
  expect(predictions).toHaveLength(3);
  const junior = ["distil", "--teachers", teacher, "--junior", "Shift", ...model, "--top-k", "20"];
  const distilled = await muldeJson<TrainAnswer>([...junior, "--out", join(temporary(), "junior")], { cwd });
  expect(distilled.model).toBe("Shift");
});

test.each([
  ["is not there", "./nowhere.js", undefined, /^nowhere\.js: there is no such module; check the path\.$/],
  ["throws", "./throws.mjs", 'throw new Error("no luck");', /^throws\.mjs: the module cannot be imported: no luck\.$/],
  [
    "defines a model wrongly",
    "./wrong.mjs",
    ownModel.replace('similarity: "euclidean"', 'similarity: "near"'),
    /^wrong\.mjs, .*similarity/,
  ],
])("a module that %s is one error that names it", async (_, path, text, message) => {
  if (text !== undefined) writeFileSync(join(cwd, path), text);
  const { code, stdout } = await mulde(["train", "--data", data, "--out", "x", "--import", path, "--json"], { cwd });
  expect(code).toBe(1);
  const { error } = JSON.parse(stdout) as { error: { message: string; file: string } };
  expect(error.message.replace(/^\.\//, "")).toMatch(message);
  expect(error.file).toBe(path);
});

test("--import may be given several times", async () => {
  mkdirSync(join(cwd, "more"), { recursive: true });
  writeFileSync(join(cwd, "more", "second.mjs"), ownModel.replace('"Shift"', '"Second"'));
  const args = ["train", "--data", data, "--model", "Nobody", "--out", "x", ...own, "--import", "more/second.mjs"];
  const { stderr } = await mulde(args, { cwd });
  expect(stderr).toMatch(/known are .*Shift, Second/);
});
