import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { mulde, muldeJson, temporary } from "./_cli.js";
import { writeGraph } from "./_graph.js";

interface Row {
  readonly role: string;
  readonly name: string;
  readonly model: string;
  readonly dim: number;
  readonly parameters: number;
  readonly bytes: number;
  readonly mrr: number;
  readonly hits: Readonly<Record<string, number>>;
  readonly seconds: number;
}

interface Answer {
  readonly rows: readonly Row[];
  readonly out: string;
}

const experiment = `# a small one
name: ring
data: ring
seed: 1
defaults:
  { batchSize: 64, negatives: 20, optimizer: { learningRate: 0.02 }, epochs: 300, validation: { every: 30 } }
teachers:
  - model: { name: TransE, dim: 16 }
  - { name: first, model: { name: RotH, dim: 16 } }
junior:
  model: { name: RotH, dim: 8 }
  soft: { candidates: 20 }
`;
const short = experiment.replace("epochs: 300", "epochs: 1");
const models = ["TransE", "first", "undistilled", "distilled"];

let file: string;
let out: string;
let answer: Answer;

// The file stands beside its data: paths count from there, wherever the command runs.
beforeAll(async () => {
  file = join(dirname(writeGraph()), "ring.yaml");
  writeFileSync(file, experiment);
  out = join(temporary(), "ring");
  answer = await muldeJson<Answer>(["run", file, "--out", out, "--log", `${out}.jsonl`]);
});

const write = (text: string): string => {
  const path = join(dirname(file), `${Math.random()}.yaml`);
  writeFileSync(path, text);
  return path;
};

test("run trains teachers, an undistilled and a distilled Junior, and reports a row for each", () => {
  expect(answer.out).toBe(out);
  expect(answer.rows.map(({ role, name, model, dim }) => [role, name, model, dim])).toEqual([
    ["teacher", "TransE", "TransE", 16],
    ["teacher", "first", "RotH", 16],
    ["undistilled", "undistilled", "RotH", 8],
    ["distilled", "distilled", "RotH", 8],
    ["senior", "senior", "TransE+RotH", 16],
  ]);
  for (const { bytes, parameters, hits } of answer.rows) {
    expect(bytes).toBe(4 * parameters);
    expect(Object.keys(hits)).toEqual(["1", "3", "10"]);
  }
  // Translations cannot close a ring; rotations can.
  for (const name of ["first", "undistilled", "distilled"]) {
    expect(answer.rows.find((row) => row.name === name)!.mrr, name).toBeGreaterThan(0.6);
  }
});

test("run leaves the models, a copy of the experiment and the report, and no checkpoint", () => {
  expect(readdirSync(out).sort()).toEqual([...models, "experiment.yaml", "report.json"].sort());
  expect(readFileSync(join(out, "experiment.yaml"), "utf8")).toBe(experiment);
  expect(JSON.parse(readFileSync(join(out, "report.json"), "utf8"))).toMatchObject({
    experiment: { name: "ring", seed: 1 },
    dataset: { name: "ring" },
    rows: answer.rows,
  });
  for (const model of models) expect(existsSync(join(out, model, "model.safetensors"))).toBe(true);
});

test("the saved models are as good as their rows say", async () => {
  const data = join(dirname(file), "ring");
  const { mrr } = await muldeJson<{ mrr: number }>(["evaluate", join(out, "distilled"), "--data", data]);
  expect(mrr).toBeCloseTo(answer.rows[3]!.mrr, 12);
});

test("run again says that it is done and shows the same rows", async () => {
  const again = await mulde(["run", file, "--out", out]);
  expect(again.code).toBe(0);
  expect(again.stderr).toContain("ring is done already");
  expect(again.stdout).toMatch(/role +model +dim +size +MRR +H@1 +H@3 +H@10 +time\nteacher +TransE/);
  expect(again.stdout).toContain("The distilled RotH of 8 dimensions reaches MRR");
  for (const line of again.stdout.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
  expect(await muldeJson(["run", file, "--out", out])).toEqual(answer);
});

// Windows ends a process by SIGINT without asking it.
const signals = process.platform === "win32" ? (["SIGKILL"] as const) : (["SIGINT", "SIGKILL"] as const);

test.each(signals)("a run stopped by %s resumes to the parameters of an uninterrupted one", async (signal) => {
  const parts = join(temporary(), "parts");
  const args = ["run", file, "--out", parts];
  const kill = (stderr: string): NodeJS.Signals | undefined =>
    stderr.includes("first: epoch 30/300") ? signal : undefined;
  const stopped = await mulde(args, { kill });
  expect(signal === "SIGINT" ? stopped.code : stopped.signal).toBe(signal === "SIGINT" ? 130 : "SIGKILL");
  expect(existsSync(join(parts, "TransE", "config.json"))).toBe(true);
  expect(existsSync(join(parts, "first", "config.json"))).toBe(false);

  const resumed = await mulde(args);
  expect(resumed.code).toBe(0);
  expect(resumed.stderr).toContain("TransE: there already");
  if (signal === "SIGINT") expect(resumed.stderr).toMatch(/first: .*resumed at step \d\d+/);
  for (const model of models) {
    const bytes = (directory: string): Buffer => readFileSync(join(directory, model, "model.safetensors"));
    expect(bytes(parts).equals(bytes(out)), model).toBe(true);
  }
});

test("a directory of another experiment is refused", async () => {
  const other = write(experiment.replace("seed: 1", "seed: 2"));
  const { code, stdout } = await mulde(["run", other, "--out", out, "--json"]);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toEqual({
    error: { code: "CLI_FOREIGN_EXPERIMENT", file: out, message: expect.stringContaining(out) as string },
  });
  expect(readFileSync(join(out, "experiment.yaml"), "utf8")).toBe(experiment);
});

test("the same experiment written in other words, or under another title, goes on", async () => {
  const words = experiment.replace("name: ring", "name: circle").replace("negatives: 20", "negatives: { count: 20 }");
  const { code, stderr } = await mulde(["run", write(words), "--out", out]);
  expect(code).toBe(0);
  expect(stderr).toContain("circle is done already");
});

test("results of before an option existed are still this experiment's", async () => {
  const grown = join(temporary(), "before");
  const path = write(`${short}variants: { small: { model: { dim: 4 } } }\n`);
  await muldeJson(["run", path, "--out", grown]);
  const file = join(grown, "report.json");
  const report = JSON.parse(readFileSync(file, "utf8")) as {
    experiment: { variants: { options: { regularizer: { dropout?: number } } }[] };
  };
  delete report.experiment.variants[0]!.options.regularizer.dropout;
  writeFileSync(file, JSON.stringify(report));
  expect((await mulde(["run", path, "--out", grown])).stderr).toContain("ring is done already");
});

test("a wrong from: can be corrected, whether models were trained before it was noticed or not", async () => {
  const from = join(out, "first");
  for (const teachers of ["{ from: FROM }", "{ model: { name: TransE, dim: 8 } }, { name: saved, from: FROM }"]) {
    const taught = join(temporary(), "taught");
    const text = `${short.slice(0, short.indexOf("teachers:"))}teachers: [${teachers}]\n${short.slice(short.indexOf("junior:"))}`;
    const wrong = await mulde(["run", write(text.replace("FROM", "./nowhere")), "--out", taught]);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain("MODELS_NOT_FOUND");
    const { rows } = await muldeJson<Answer>(["run", write(text.replace("FROM", from)), "--out", taught]);
    expect(rows.at(-2)).toMatchObject({ name: "distilled" });
  }
});

test("a directory in which nothing was trained yet is taken over by another experiment", async () => {
  const untrained = join(temporary(), "untrained");
  mkdirSync(untrained);
  writeFileSync(join(untrained, "experiment.yaml"), short.replace("seed: 1", "seed: 2"));
  expect((await mulde(["run", write(short), "--out", untrained])).code).toBe(0);
  expect(readFileSync(join(untrained, "experiment.yaml"), "utf8")).toBe(short);
});

test("an experiment with an empty test split is refused before any training", async () => {
  const data = join(dirname(file), "untested");
  mkdirSync(data);
  for (const split of ["train", "valid"])
    copyFileSync(join(dirname(file), "ring", `${split}.txt`), join(data, `${split}.txt`));
  writeFileSync(join(data, "test.txt"), "");
  const none = join(temporary(), "none");
  const { code, stdout } = await mulde([
    ...["run", write(experiment.replace("data: ring", "data: untested")), "--out", none, "--json"],
  ]);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: "TRAINER_DATA", path: ["test"] } });
  expect(existsSync(none)).toBe(false);
});

test("a variant more is trained beside what is done, and one that changed is refused", async () => {
  const grown = join(temporary(), "grown");
  await muldeJson(["run", write(short), "--out", grown]);
  const more = `${short}variants: { small: { model: { dim: 4 }, undistilled: true } }\n`;
  const log = `${grown}.jsonl`;
  const { rows } = await muldeJson<Answer>(["run", write(more), "--out", grown, "--log", log]);
  expect(rows.map(({ name }) => name)).toEqual([...models, "senior", "small-undistilled", "small"]);
  const events = readFileSync(log, "utf8").trim().split("\n");
  const trained = events.map((line) => JSON.parse(line) as { type: string; name: string });
  expect(trained.filter(({ type }) => type === "done").map(({ name }) => name)).toEqual(["small-undistilled", "small"]);
  const { code, stderr } = await mulde(["run", write(more.replace("dim: 4", "dim: 6")), "--out", grown]);
  expect(code).toBe(1);
  expect(stderr).toContain("TRAINER_FOREIGN");
});

test("--seed takes the place of the experiment's own, and is another experiment", async () => {
  const seeded = join(temporary(), "seeded");
  const path = write(short);
  await muldeJson(["run", path, "--seed", "7", "--out", seeded]);
  expect(readFileSync(join(seeded, "experiment.yaml"), "utf8")).toContain("seed: 7\n");
  expect(JSON.parse(readFileSync(join(seeded, "report.json"), "utf8"))).toMatchObject({
    experiment: { seed: 7, junior: { seed: 7 }, teachers: [{ options: { seed: 8 } }, { options: { seed: 9 } }] },
  });
  const { code, stderr } = await mulde(["run", path, "--out", seeded]);
  expect(code).toBe(1);
  expect(stderr).toContain("CLI_FOREIGN_EXPERIMENT");
});

test("a directory of a single model is refused", async () => {
  const { code, stderr } = await mulde(["run", file, "--out", join(out, "first")]);
  expect(code).toBe(1);
  expect(stderr).toContain("CLI_OUT_TAKEN");
});

test("a wrong field is an error with file, line and field, and makes no directory", async () => {
  const path = write(experiment.replace("dim: 8", "dim: eight"));
  const none = join(temporary(), "none");
  const { code, stderr, stdout } = await mulde(["run", path, "--out", none, "--json"]);
  expect(code).toBe(1);
  expect(stderr).toContain(`${path}:11, junior.model.dim: must be a number`);
  expect(JSON.parse(stdout)).toMatchObject({
    error: { code: "TRAINER_OPTION", file: path, line: 11, path: ["junior", "model", "dim"] },
  });
  expect(existsSync(none)).toBe(false);
});

test("a former option is an error that names the valid one, with its line", async () => {
  const path = write(experiment.replace("soft: { candidates: 20 }", "topK: 20"));
  const { stderr } = await mulde(["run", path, "--out", join(temporary(), "none")]);
  expect(stderr).toContain(`${path}:12, junior.topK: this option is called soft.candidates.k now.`);
});

test("options that do not go together are refused with their line before any training", async () => {
  const path = write(`${experiment}  loss: 1vsAll\n`.replace("candidates: 20", "candidates: 20, queries: 1"));
  const none = join(temporary(), "none");
  const { code, stderr } = await mulde(["run", path, "--out", none]);
  expect(code).toBe(1);
  expect(stderr).toContain(`${path}:12, junior.soft.queries: it needs sampled candidates, but the loss is 1vsAll`);
  expect(existsSync(none)).toBe(false);
});

test("a directory whose copy or report cannot be read is told", async () => {
  const damaged = join(temporary(), "damaged");
  await muldeJson(["run", write(short), "--out", damaged]);
  writeFileSync(join(damaged, "report.json"), "{");
  const { stdout } = await mulde(["run", write(short), "--out", damaged, "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: "CLI_REPORT", file: join(damaged, "report.json") } });
  writeFileSync(join(damaged, "experiment.yaml"), "data: [");
  expect((await mulde(["run", write(short), "--out", damaged])).stderr).toContain("CLI_FOREIGN_EXPERIMENT");
});

test("an --out that is a file is one clear error", async () => {
  const path = write("text");
  const { code, stderr } = await mulde(["run", write(short), "--out", path]);
  expect(code).toBe(1);
  expect(stderr).toContain(`${path}: a file is in the place of this directory`);
});

test("a file that is not there is one clear error", async () => {
  const { code, stderr } = await mulde(["run", "nowhere.yaml", "--out", "x"]);
  expect(code).toBe(1);
  expect(stderr).toContain("nowhere.yaml: there is no such file; check the path.");
});
