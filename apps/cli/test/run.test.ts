import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
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
defaults: { batchSize: 64, negatives: 20, learningRate: 0.02, epochs: 300, validateEvery: 30 }
teachers:
  - { model: TransE, dim: 16 }
  - { name: first, model: RotH, dim: 16 }
junior: { model: RotH, dim: 8, topK: 20 }
`;
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
  expect(again.stdout).toMatch(
    /role +model +dim +parameters +size +MRR +Hits@1 +Hits@3 +Hits@10 +seconds\nteacher +TransE/,
  );
  expect(again.stdout).toContain("The distilled RotH of 8 dimensions reaches MRR");
  expect(await muldeJson(["run", file, "--out", out])).toEqual(answer);
});

test.each(["SIGINT", "SIGKILL"] as const)(
  "a run stopped by %s resumes to the parameters of an uninterrupted one",
  async (signal) => {
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
  },
);

test("a directory of another experiment is refused", async () => {
  const { code, stdout } = await mulde([
    "run",
    write(experiment.replace("seed: 1", "seed: 2")),
    "--out",
    out,
    "--json",
  ]);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toEqual({
    error: { code: "CLI_FOREIGN_EXPERIMENT", message: expect.stringContaining(out) as string },
  });
  expect(readFileSync(join(out, "experiment.yaml"), "utf8")).toBe(experiment);
});

test("a variant more is trained beside what is done, and one that changed is refused", async () => {
  const grown = join(temporary(), "grown");
  const short = experiment.replace("epochs: 300", "epochs: 1");
  await muldeJson(["run", write(short), "--out", grown]);
  const more = `${short}variants: { small: { dim: 4, undistilled: true } }\n`;
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
  const short = write(experiment.replace("epochs: 300", "epochs: 1"));
  await muldeJson(["run", short, "--seed", "7", "--out", seeded]);
  expect(readFileSync(join(seeded, "experiment.yaml"), "utf8")).toContain("seed: 7\n");
  expect(JSON.parse(readFileSync(join(seeded, "report.json"), "utf8"))).toMatchObject({
    experiment: { seed: 7, junior: { seed: 7 }, teachers: [{ options: { seed: 8 } }, { options: { seed: 9 } }] },
  });
  const { code, stderr } = await mulde(["run", short, "--out", seeded]);
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
  const { code, stderr } = await mulde(["run", path, "--out", none]);
  expect(code).toBe(1);
  expect(stderr).toContain(`${path}:9, junior, dim: Invalid input: expected number`);
  expect(existsSync(none)).toBe(false);
});

test("options that do not go together are refused with their line before any training", async () => {
  const path = write(experiment.replace("topK: 20", "topK: 20,\n  loss: 1vsAll, unseenQueries: 1"));
  const none = join(temporary(), "none");
  const { code, stderr } = await mulde(["run", path, "--out", none]);
  expect(code).toBe(1);
  expect(stderr).toContain(`${path}:10, junior, unseenQueries: these go with losses over sampled candidates`);
  expect(existsSync(none)).toBe(false);
});

test("a file that is not there is one clear error", async () => {
  const { code, stderr } = await mulde(["run", "nowhere.yaml", "--out", "x"]);
  expect(code).toBe(1);
  expect(stderr).toContain("The experiment nowhere.yaml cannot be read");
});
