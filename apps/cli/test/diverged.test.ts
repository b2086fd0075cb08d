import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { MuldeError } from "@mulde/errors";
import { loadDataset } from "@mulde/datasets";
import { createModel, loadModel } from "@mulde/kge-models";
import { startRun, type TrainEvent, type TrainResult } from "@mulde/mulde-trainer";
import { expect, test } from "vitest";
import { Output } from "../src/_output.js";
import { trainAndSave } from "../src/_training.js";
import { mulde, muldeJson, temporary } from "./_cli.js";
import { writeGraph } from "./_graph.js";

test("a training that diverges saves its best state in OUT/diverged, and logs no model", async () => {
  const data = await loadDataset(writeGraph());
  const out = join(temporary(), "out");
  mkdirSync(out);
  const log = join(out, "log.jsonl");
  const model = await createModel({ model: "RotH", dim: 8, entities: 40, relations: 4 });
  const metrics = { mrr: 0.5, mr: 2, hits: { "10": 1 } };
  const best = { model, best: { epoch: 0, metrics }, epochs: 1, steps: 5, seconds: 1, senior: new Map() };
  const run = startRun<TrainEvent, TrainResult>(async function* () {
    await Promise.resolve();
    yield { type: "diverged", name: "RotH", epoch: 1, step: 7, reason: "the loss is NaN", best };
    throw new MuldeError("TRAINER_DIVERGED", "RotH diverged in epoch 2.");
  });
  const training = {
    ...{ name: "RotH", data, options: { model: { name: "RotH", dim: 8 } }, summary: { kind: "train" } },
    ...{ engine: { kernels: "wasm", threads: 1, cores: 1 }, start: () => run },
  };
  const flags = { out, log, checkpointMinutes: 5 };
  const work = trainAndSave(training, flags, new Output(true), new AbortController().signal);
  await expect(work).rejects.toThrow(
    `RotH diverged in epoch 2. The model as it was after epoch 1, the best, is in ${join(out, "diverged")}.`,
  );
  const { dataset, training: summary } = await loadModel(join(out, "diverged"));
  expect(dataset).toMatchObject({ fingerprint: data.fingerprint });
  expect(summary).toMatchObject({ kind: "train", kernels: "wasm", diverged: { epoch: 1, step: 7 } });
  expect(JSON.parse(readFileSync(log, "utf8"))).toMatchObject({
    type: "diverged",
    best: { best: { epoch: 0, metrics }, epochs: 1, steps: 5, seconds: 1 },
  });
});

// Adam moves every value by about the learning rate in each step, so that a squared distance overflows after a hundred steps or so.
const wild = ["learningRate", "4e18"] as const;

test("train and run say where the best state of a training that diverges is, and evaluate reads it", async () => {
  const data = writeGraph();
  const out = join(temporary(), "train");
  const args = [
    "--model",
    "TransE",
    "--dim",
    "8",
    "--set",
    `optimizer.${wild.join("=")}`,
    "--set",
    "schedule=constant",
  ];
  const flags = ["--batch-size", "64", "--epochs", "400", "--set", "validation={ every: 1, patience: 400 }"];
  const { code, stderr } = await mulde(["train", "--data", data, ...args, ...flags, "--out", out]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/\nerror: TransE .*diverged in epoch \d+, .* is in .*\/diverged\. \(TRAINER_DIVERGED\)\n$/);
  expect(readdirSync(out)).toEqual(["diverged"]);
  await muldeJson(["evaluate", join(out, "diverged"), "--data", data]);

  const yaml = join(dirname(data), "wild.yaml");
  const options = `{ batchSize: 64, epochs: 400, schedule: constant, validation: { every: 1, patience: 400 }, optimizer: { ${wild.join(": ")} } }`;
  const models = "teachers: [{ model: { name: TransE, dim: 8 } }]\njunior: { model: TransE }\n";
  writeFileSync(yaml, `data: ring\ndefaults: ${options}\n${models}`);
  const whole = join(temporary(), "run");
  const run = await mulde(["run", yaml, "--out", whole]);
  expect(run.code).toBe(1);
  expect(run.stderr).toContain(`is in ${join(whole, "TransE", "diverged")}. (TRAINER_DIVERGED)`);
  expect(readdirSync(whole).sort()).toEqual(["TransE", "experiment.yaml"]);
  await muldeJson(["evaluate", join(whole, "TransE", "diverged"), "--data", data]);
});
