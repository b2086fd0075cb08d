import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadModel } from "@mulde/kge-models";
import { beforeAll, describe, expect, test } from "vitest";
import { mulde, muldeJson, temporary } from "./_cli.js";
import { long, quick, splits, type TrainAnswer, writeGraph } from "./_graph.js";

let data: string;
let out: string;
let answer: TrainAnswer;
const flags = (directory: string): string[] => [
  ...["train", "--model", "RotH", "--dim", "16", "--data", data, "--out", directory],
  ...quick,
];
const parameters = (directory: string): Buffer => readFileSync(join(directory, "model.safetensors"));

beforeAll(async () => {
  data = writeGraph();
  out = join(temporary(), "roth");
  answer = await muldeJson<TrainAnswer>([...flags(out), "--log", `${out}.jsonl`]);
});

test("train learns the planted graph and reports the test metrics", () => {
  expect(answer).toMatchObject({ out, model: "RotH", dim: 16 });
  expect(answer.bytes).toBe(4 * answer.parameters);
  expect(answer.test.ranks).toBe(2 * splits.test.length);
  expect(answer.test.mrr).toBeGreaterThan(0.8);
});

test("train saves the model with its names, data set, options and metrics, and no checkpoint", async () => {
  expect(readdirSync(out).sort()).toEqual(["config.json", "entities.tsv", "model.safetensors", "relations.tsv"]);
  const { model, entities, relations, dataset, training } = await loadModel(out);
  expect(model.config).toMatchObject({ model: "RotH", dim: 16, entities: 40, relations: 4 });
  expect(entities).toContain("n17");
  expect(relations).toEqual(["plus1", "plus3", "plus9", "near"]);
  expect(dataset).toMatchObject({ name: "ring", fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
  expect(training).toMatchObject({
    kind: "train",
    options: { seed: 3, epochs: 40, batchSize: 64, optimizer: { name: "adam", learningRate: 0.02 } },
    validation: answer.validation,
    test: { mrr: answer.test.mrr },
  });
});

test("train --log writes every event but the progress as a line of JSON", () => {
  const events = readFileSync(`${out}.jsonl`, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { type: string; time: string });
  const types = events.map(({ type }) => type);
  expect(types[0]).toBe("start");
  expect(types.at(-1)).toBe("done");
  expect(types.filter((type) => type === "epoch")).toHaveLength(answer.epochs);
  expect(types.filter((type) => type === "validation")).toHaveLength(4);
  expect(types).not.toContain("progress");
});

test("train prints a table for people, and names the kernels first on stderr", async () => {
  const directory = join(temporary(), "text");
  const { code, stdout, stderr } = await mulde([...flags(directory), "--epochs", "2"]);
  expect(code).toBe(0);
  expect(stderr.split("\n")[0]).toMatch(/^mulde \S+, kernels: (native \(\w+\)|wasm), 1 thread/);
  expect(stderr).toMatch(/RotH: epoch 2\/2, loss [\d.e-]+, validation [\d.e-]+, MRR 0\.\d{4} \(best\)/);
  expect(stdout).toMatch(/side +MRR +MR +Hits@1 +Hits@3 +Hits@10 +ranks\nboth /);
  expect(stdout).toContain(`Saved in ${directory}`);
  expect(stdout + stderr).not.toContain("\u001b");
});

test("the WebAssembly kernels say that they are slower and why", async () => {
  const directory = join(temporary(), "wasm");
  const { code, stderr } = await mulde([...flags(directory), "--epochs", "1"], { env: { MULDE_KERNELS: "wasm" } });
  expect(code).toBe(0);
  const [first, second] = stderr.split("\n");
  expect(first).toMatch(/kernels: wasm, 1 thread$/);
  expect(second).toBe("Slower than native kernels: WebAssembly was asked for (MULDE_KERNELS=wasm).");
});

test("train refuses a directory that holds a model, and trains anew with --force", async () => {
  const directory = join(temporary(), "twice");
  const args = [...flags(directory), "--epochs", "2"];
  await muldeJson(args);
  const before = parameters(directory);
  const again = await mulde([...args, "--seed", "4", "--json"]);
  expect(again.code).toBe(1);
  expect(JSON.parse(again.stdout)).toEqual({
    error: { code: "CLI_OUT_TAKEN", file: directory, message: expect.stringContaining("--force") as string },
  });
  expect(parameters(directory).equals(before)).toBe(true);
  await muldeJson([...args, "--seed", "4", "--force"]);
  expect(parameters(directory).equals(before)).toBe(false);
});

describe("a run that is stopped", () => {
  let whole: string;
  const args = (directory: string): string[] => [...flags(directory), ...long];
  const interrupt = (stderr: string): NodeJS.Signals | undefined =>
    stderr.includes("epoch 30/300") ? "SIGINT" : undefined;
  const kill = (stderr: string): NodeJS.Signals | undefined =>
    stderr.includes("checkpoint at step 50 ") ? "SIGKILL" : undefined;
  const killed = (directory: string) => mulde([...args(directory), "--checkpoint-minutes", "0"], { kill });

  beforeAll(async () => {
    whole = join(temporary(), "whole");
    await muldeJson(args(whole));
  });

  // A program of Windows cannot send Ctrl-C to another one: a signal ends that at once.
  test.skipIf(process.platform === "win32")(
    "by Ctrl-C leaves a checkpoint, and the same command goes on to the same parameters",
    async () => {
      const directory = join(temporary(), "interrupted");
      const stopped = await mulde(args(directory), { kill: interrupt });
      expect(stopped.code).toBe(130);
      expect(stopped.stderr).toMatch(/\nStopped; .*checkpoint\.safetensors keeps .* Run the same command to go on\./);
      expect(readdirSync(directory)).toEqual(["checkpoint.safetensors"]);

      const resumed = await mulde(args(directory));
      expect(resumed.code).toBe(0);
      expect(resumed.stderr).toMatch(/resumed at step \d\d+/);
      expect(parameters(directory).equals(parameters(whole))).toBe(true);
      expect(existsSync(join(directory, "checkpoint.safetensors"))).toBe(false);
    },
  );

  test.skipIf(process.platform === "win32")("with --json answers with an error object", async () => {
    const { code, stdout } = await mulde([...args(join(temporary(), "json")), "--json"], { kill: interrupt });
    expect(code).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "CLI_INTERRUPTED" } });
  });

  test("by a kill resumes from its last checkpoint to the same parameters", async () => {
    const directory = join(temporary(), "killed");
    expect((await killed(directory)).signal).toBe("SIGKILL");
    expect(existsSync(join(directory, "config.json"))).toBe(false);
    const resumed = await mulde(args(directory));
    expect(resumed.stderr).toMatch(/resumed at step \d\d+/);
    expect(parameters(directory).equals(parameters(whole))).toBe(true);
  });

  test("refuses to go on with other options, and starts anew with --force", async () => {
    const directory = join(temporary(), "other");
    await killed(directory);
    const other = [...flags(directory), "--epochs", "2"];
    const refused = await mulde(other);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("belongs to a run with other options");
    expect((await mulde([...other, "--force"])).code).toBe(0);
  });
});

test("a malformed line of the data is named with file and line, and nothing is written", async () => {
  const broken = writeGraph(([head, relation, tail]) => [head, head === "n7" ? "two\tfields" : relation, tail]);
  const directory = join(temporary(), "none");
  const { code, stdout } = await mulde(["train", "--data", broken, "--out", directory, "--json"]);
  expect(code).toBe(1);
  const { error } = JSON.parse(stdout) as { error: { code: string; message: string; file: string; line: number } };
  expect(error.code).toBe("DATA_MALFORMED_LINE");
  expect(error.message).toMatch(/train\.txt:\d+: /);
  expect(existsSync(directory)).toBe(false);
});

test("data that is not there is one clear error", async () => {
  const { code, stderr } = await mulde(["train", "--data", "./nowhere", "--out", "x"]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/error: .*nowhere: there is no such .*; check the path\. \(DATA_NOT_FOUND\)/);
  expect(stderr).not.toContain("    at ");
});
