import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadModel, modelTeacher } from "@mulde/kge-models";
import { recordScores } from "@mulde/senior";
import { writeScores } from "@mulde/senior/parquet";
import { beforeAll, expect, test } from "vitest";
import { distinctNames } from "../src/distil.js";
import { mulde, muldeJson, temporary } from "./_cli.js";
import { long, quick, type TrainAnswer, trained, writeGraph } from "./_graph.js";

let data: string;
let teachers: string;

beforeAll(async () => {
  data = writeGraph();
  teachers = `${await trained(data, "RotH")},${await trained(data, "TransE")}`;
});

const flags = (out: string): string[] => [
  ...["distil", "--teachers", teachers, "--junior", "RotH", "--dim", "8", "--data", data, "--out", out],
  ...["--top-k", "20", "--soft-weight", "0.5"],
  ...quick,
];

test("distil learns a Junior from the facts and saved teachers, and keeps what made it", async () => {
  const out = join(temporary(), "junior");
  const answer = await muldeJson<TrainAnswer>([
    ...flags(out),
    ...["--set", "senior={ trainOnSoft: false, attention: uniform }", "--set", "rules=[ownHead, { functional: 1.05 }]"],
  ]);
  expect(answer).toMatchObject({ out, model: "RotH", dim: 8 });
  expect(answer.test.mrr).toBeGreaterThan(0.6);
  const { training } = await loadModel(out);
  expect(training).toMatchObject({
    kind: "distil",
    options: {
      rules: ["ownHead", { functional: 1.05 }],
      soft: { weight: 0.5, candidates: { k: 20 } },
      senior: { trainOnSoft: false, attention: "uniform" },
    },
    teachers: [
      { name: "RotH", model: "RotH", dim: 16 },
      { name: "TransE", model: "TransE", dim: 16 },
    ],
  });
  const { senior } = training as { senior: Record<string, number[]> };
  // A scale for each of 2R relations and each teacher.
  expect(Object.values(senior).map((values) => values.length)).toEqual([2 * 4 * 2]);
});

test("teachers of the second stage learn, those on disk stay as they were", async () => {
  const out = join(temporary(), "junior");
  const before = teachers.split(",").map((directory) => readFileSync(join(directory, "model.safetensors")));
  const answer = await muldeJson<TrainAnswer>([...flags(out), "--set", "soft.adaptFrom=5"]);
  expect(answer.test.mrr).toBeGreaterThan(0.6);
  const { model, training } = await loadModel(out);
  expect(training).toMatchObject({ options: { soft: { adaptFrom: 5 } } });
  expect(Object.keys((training as { senior: object }).senior)).toEqual(["scaling"]);
  expect(teachers.split(",").map((directory) => readFileSync(join(directory, "model.safetensors")))).toEqual(before);

  const plain = join(temporary(), "junior");
  await muldeJson([...flags(plain)]);
  expect((await loadModel(plain)).model.table("entity").data).not.toEqual(model.table("entity").data);
});

test("teachers that learn too go with a soft label without known answers", async () => {
  const out = join(temporary(), "junior");
  const soft = ["--set", "soft.candidates.known=false", "--set", "senior.scaling=none", "--set", "soft.adaptFrom=1"];
  const answer = await muldeJson<TrainAnswer>([...flags(out), ...soft, "--epochs", "3", "--set", "validation.every=3"]);
  expect(answer.epochs).toBe(3);
});

test("teachers of the same base name get names of their own", async () => {
  const [first] = teachers.split(",");
  const second = await trained(data, "RotH", 8);
  const out = join(temporary(), "junior");
  await muldeJson([...flags(out), "--teachers", `${first!},${second}`, "--epochs", "2"]);
  expect((await loadModel(out)).training).toMatchObject({ teachers: [{ name: "RotH" }, { name: "RotH-2" }] });
});

test.each([
  [
    ["a", "b"],
    ["a", "b"],
  ],
  [
    ["a", "a", "a"],
    ["a", "a-2", "a-3"],
  ],
  [
    ["a", "a", "a-2"],
    ["a", "a-3", "a-2"],
  ],
  [
    ["a-2", "a", "a"],
    ["a-2", "a", "a-3"],
  ],
])("distinct names of %j are %j", (names, distinct) => {
  expect(distinctNames(names)).toEqual(distinct);
});

// Windows ends a process by SIGTERM without asking it.
test.skipIf(process.platform === "win32")(
  "an interrupted distil goes on to the parameters of an uninterrupted one",
  async () => {
    const whole = join(temporary(), "whole");
    const parts = join(temporary(), "parts");
    await muldeJson([...flags(whole), ...long]);
    const kill = (stderr: string): NodeJS.Signals | undefined =>
      stderr.includes("epoch 30/300") ? "SIGTERM" : undefined;
    expect((await mulde([...flags(parts), ...long], { kill })).code).toBe(143);
    expect(readdirSync(parts)).toEqual(["checkpoint.safetensors"]);
    await muldeJson([...flags(parts), ...long]);
    const bytes = (out: string): Buffer => readFileSync(join(out, "model.safetensors"));
    expect(bytes(parts).equals(bytes(whole))).toBe(true);
  },
);

test("a teacher of other data is refused with both fingerprints", async () => {
  const other = writeGraph(([head, relation, tail]) => [tail, relation, head]);
  const out = join(temporary(), "junior");
  const { code, stdout } = await mulde([...flags(out), "--data", other, "--json"]);
  expect(code).toBe(1);
  const { error } = JSON.parse(stdout) as { error: { code: string; message: string } };
  expect(error.code).toBe("MODELS_FOREIGN_DATA");
  expect(error.message).toMatch(
    /^The teacher .*RotH was trained on ring \(fingerprint [0-9a-f]{12}\), but the data given is ring \(fingerprint [0-9a-f]{12}\)/,
  );
});

test("a teacher that is not there is one clear error", async () => {
  const { code, stderr } = await mulde([...flags(join(temporary(), "x")), "--teachers", "./nobody"]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/nobody.config\.json: there is no such file/);
});

test("an empty name among the teachers is bad usage", async () => {
  const { code, stderr } = await mulde([...flags("x"), "--teachers", "a,,b"]);
  expect(code).toBe(2);
  expect(stderr).toContain("--teachers <dir,dir|file>");
});

test("a Parquet file of scores is a teacher, and one that is no such file is named", async () => {
  const { model } = await loadModel(teachers.split(",")[0]!);
  const { heads, relations } = everyQuery(model.entities, model.relations);
  const scored = await recordScores(modelTeacher(model, "RotH"), {
    heads,
    relations,
    entities: model.entities,
    top: 10,
  });
  const file = join(temporary(), "roth.parquet");
  await writeScores(file, scored);
  const out = join(temporary(), "junior");
  const answer = await muldeJson<TrainAnswer>([...flags(out), "--teachers", file]);
  expect(answer.test.mrr).toBeGreaterThan(0.6);
  expect((await loadModel(out)).training).toMatchObject({ teachers: [{ name: "roth", model: "score table" }] });
  writeFileSync(file, "no scores");
  const { code, stderr } = await mulde([...flags(join(temporary(), "other")), "--teachers", file]);
  expect(code).not.toBe(0);
  expect(stderr).toContain(`${file}: this is not Parquet, or damaged`);
});

function everyQuery(entities: number, relations: number): { heads: Int32Array; relations: Int32Array } {
  const length = entities * 2 * relations;
  return {
    heads: Int32Array.from({ length }, (_, i) => Math.floor(i / (2 * relations))),
    relations: Int32Array.from({ length }, (_, i) => i % (2 * relations)),
  };
}
