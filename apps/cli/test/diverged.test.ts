import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { MuldeError } from "@mulde/errors";
import { loadDataset } from "@mulde/datasets";
import { createModel, loadModel } from "@mulde/kge-models";
import { startRun, type TrainEvent, type TrainResult } from "@mulde/mulde-trainer";
import { expect, test } from "vitest";
import { Output } from "../src/_output.js";
import { trainAndSave } from "../src/_training.js";
import { temporary } from "./_cli.js";
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
