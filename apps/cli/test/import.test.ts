import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decodeSafetensors, encodeSafetensors, loadModel } from "@mulde/kge-models";
import { beforeAll, expect, test } from "vitest";
import { mulde, muldeJson, temporary } from "./_cli.js";
import { quick, type TrainAnswer, trained, writeGraph } from "./_graph.js";

let data: string;
let ours: string;
let folder: string;

/** A RotH of this project's own as KGEmb names its tensors, rows in the opposite order. */
beforeAll(async () => {
  data = writeGraph();
  ours = await trained(data, "RotH", 8);
  folder = temporary();
  const { entities, relations } = await loadModel(ours);
  writeFileSync(join(folder, "entities.txt"), `${[...entities].reverse().join("\n")}\n`);
  writeFileSync(join(folder, "relations.tsv"), relations.map((name, row) => `${name}\t${row}\n`).join(""));
  const saved = join(ours, "model.safetensors");
  const { tensors } = decodeSafetensors(readFileSync(saved), saved);
  const rows = (name: string): number[][] => {
    const { shape, data: values } = tensors[name]!;
    const width = shape[1]!;
    return Array.from({ length: shape[0]! }, (_, row) => [...values.slice(row * width, (row + 1) * width)]);
  };
  const table = (values: number[][]) => ({
    shape: [values.length, values[0]!.length],
    data: Float32Array.from(values.flat()),
  });
  const outer = rows("relation");
  const theirs = {
    "entity.weight": table(rows("entity").reverse()),
    "bh.weight": table(rows("headBias").reverse()),
    "bt.weight": table(rows("tailBias").reverse()),
    "rel.weight": table(rows("innerTranslation").map((inner, r) => [...inner, ...outer[r]!])),
    "rel_diag.weight": table(rows("rotation")),
    "c.weight": table(rows("curvature")),
  };
  writeFileSync(join(folder, "roth.safetensors"), encodeSafetensors(theirs));
});

const flags = (out: string, model = "RotH"): string[] => [
  ...["import", join(folder, "roth.safetensors"), "--from", "kgemb", "--model", model, "--data", data],
  ...["--entities", join(folder, "entities.txt"), "--relations", join(folder, "relations.tsv"), "--out", out],
];

const errorOf = (stdout: string) => (JSON.parse(stdout) as { error: { code: string; message: string } }).error;

test("import makes the model directory that the model was, which evaluate and distil take", async () => {
  const out = join(temporary(), "imported");
  const answer = await muldeJson<object>(flags(out));
  const [was, is] = [await loadModel(ours), await loadModel(out)];
  const { parameters, bytes } = was.model;
  expect(answer).toEqual({ out, model: "RotH", dim: 8, parameters, bytes });
  for (const [name, { data: values }] of was.model.tables) expect(is.model.table(name).data).toEqual(values);
  expect(is).toMatchObject({ entities: was.entities, relations: was.relations, dataset: was.dataset });
  expect(is.training).toMatchObject({ kind: "import", from: "kgemb", file: "roth.safetensors" });

  const metrics = await muldeJson<{ mrr: number }>(["evaluate", out, "--data", data]);
  expect(metrics.mrr).toBe((await muldeJson<{ mrr: number }>(["evaluate", ours, "--data", data])).mrr);
  const junior = join(temporary(), "junior");
  const flagsOfJunior = ["--junior", "RotH", "--dim", "4", "--top-k", "20", "--data", data, "--out", junior];
  await muldeJson<TrainAnswer>(["distil", "--teachers", out, ...flagsOfJunior, ...quick, "--epochs", "10"]);
  expect((await loadModel(junior)).training).toMatchObject({ teachers: [{ name: "imported", model: "RotH", dim: 8 }] });
});

test("an experiment takes an imported model as a teacher", async () => {
  const base = temporary();
  const out = join(base, "imported");
  const { stdout } = await mulde(flags(out));
  expect(stdout).toMatch(/^RotH of kgemb, 8 dimensions, [\d,]+ parameters \(.*\)\nSaved in .*imported\n$/);
  const options = "{ epochs: 5, batchSize: 64, negatives: 20, soft: { candidates: 20 } }";
  const lines = [
    `name: taught\ndata: ${data}\ndefaults: ${options}`,
    `teachers: [{ from: ${out} }]\njunior: { model: { name: RotH, dim: 4 } }\n`,
  ];
  writeFileSync(join(base, "taught.yaml"), lines.join("\n"));
  const report = await muldeJson<{ rows: { role: string; name: string }[] }>([
    ...["run", join(base, "taught.yaml"), "--out", join(base, "run")],
  ]);
  expect(report.rows.filter(({ role }) => role === "teacher")).toMatchObject([{ name: "imported", model: "RotH" }]);
});

test("a vocabulary of another data set is an error that names its file and what to do", async () => {
  const out = join(temporary(), "out");
  const other = join(folder, "other.txt");
  writeFileSync(other, readFileSync(join(folder, "entities.txt"), "utf8").replace("n7\n", "m7\n"));
  const { code, stdout } = await mulde([...flags(out), "--entities", other, "--json"]);
  expect(code).toBe(1);
  expect(errorOf(stdout)).toEqual({
    code: "MODELS_IMPORT",
    file: other,
    message: `${other}: There is no entity "n7"; give the vocabulary file of the model's training, and the data set that it was trained on.`,
  });
  expect(existsSync(out)).toBe(false);
});

test("what does not fit is one clear error, and leaves nothing behind", async () => {
  const out = join(temporary(), "out");
  for (const [args, message] of [
    [flags(out, "RotE"), /table "relation" are 8 x 16, but 8 x 8 are needed/],
    [flags(out, "TuckER"), /TuckER of kgemb cannot be imported; known are TransE, .*AttH/],
    [[...flags(out), "--from", "dglke"], /RotH of dglke cannot be imported/],
    [[...flags(out), "--relations", "./nothing.txt"], /nothing\.txt: there is no such file; check the path/],
  ] as const) {
    const { code, stdout, stderr } = await mulde(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(message);
  }
  expect(existsSync(out)).toBe(false);
});

test("a directory that holds a model is kept unless --force is given", async () => {
  const out = join(temporary(), "out");
  await muldeJson(flags(out));
  const { code, stdout } = await mulde([...flags(out), "--json"]);
  expect(code).toBe(1);
  expect(errorOf(stdout)).toMatchObject({
    code: "CLI_OUT_TAKEN",
    message: expect.stringContaining("--force") as string,
  });
  await muldeJson([...flags(out), "--force"]);
});

test.each([
  ["another library", ["--from", "openke"], /'--from <library>' argument 'openke' is invalid.*kgemb, libkge/],
  ["another norm", ["--norm", "3"], /'--norm <number>' argument '3' is invalid/],
  ["an unknown model", ["--model", "RotX"], /--model: There is no model "RotX"/],
])("%s is bad usage", async (_, args, message) => {
  const { code, stderr } = await mulde([...flags("x"), ...args]);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});
