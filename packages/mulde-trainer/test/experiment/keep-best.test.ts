import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MuldeError } from "@mulde/errors";
import { createModel, type KgeModel, loadModel } from "@mulde/kge-models";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keepBest, startRun, type TrainEvent, type TrainingRun, type TrainResult } from "../../src/index.js";
import { runStage } from "../../src/experiment/stage.js";
import { brief, ring } from "../_planted.js";

const data = ring();
const info = { entities: data.entities.names, relations: data.relations.names, training: { kind: "train" } };
let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "mulde-diverged-"))));
afterEach(() => rmSync(directory, { recursive: true }));

const failed = new MuldeError("TRAINER_DIVERGED", "it diverged: lower the rate.", { path: ["optimizer"], value: 3 });

/** A run that diverges in its second epoch, as the loop tells it; its model is freed after the event. */
function diverging(model: KgeModel | undefined, error: MuldeError = failed): TrainingRun {
  const metrics = { mrr: 0.5, mr: 2, hits: { "10": 1 } };
  const rest = { epochs: 1, steps: 5, seconds: 1, senior: new Map<string, Float32Array>() };
  const best: TrainResult | undefined = model && { model, best: { epoch: 0, metrics }, ...rest };
  return startRun<TrainEvent, TrainResult>(async function* () {
    await Promise.resolve();
    yield { type: "diverged", name: "RotH", epoch: 1, step: 7, reason: "the loss is NaN", best };
    model?.dispose();
    throw error;
  });
}

const newModel = (): Promise<KgeModel> => createModel({ model: "RotH", dim: 8, entities: 24, relations: 4 });

async function failureOf(events: AsyncIterable<unknown>): Promise<unknown> {
  try {
    for await (const event of events) expect(event).toMatchObject({ type: "diverged" });
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("keepBest", () => {
  it("saves the best state of a run that diverges, and the error says where", async () => {
    const out = join(directory, "diverged");
    const model = await newModel();
    const entities = model.table("entity").data.slice();
    expect(await failureOf(keepBest(diverging(model), out, info))).toMatchObject({
      code: "TRAINER_DIVERGED",
      path: ["optimizer"],
      value: 3,
      reason: `it diverged: lower the rate. The model as it was after epoch 1, the best, is in ${out}.`,
    });
    const saved = await loadModel(out);
    expect(saved.model.table("entity").data).toEqual(entities);
    expect(saved.training).toMatchObject({
      kind: "train",
      epochs: 1,
      steps: 5,
      validation: { epoch: 0, metrics: { mrr: 0.5 } },
      diverged: { epoch: 1, step: 7, reason: "the loss is NaN" },
    });
  });

  it("says so if that cannot be saved", async () => {
    writeFileSync(join(directory, "file"), "");
    const error = await failureOf(keepBest(diverging(await newModel()), join(directory, "file", "diverged"), info));
    expect(error).toMatchObject({ code: "TRAINER_DIVERGED" });
    expect((error as Error).message).toMatch(/^optimizer: it diverged: lower the rate\. .* could not be saved: /);
  });

  it("leaves other errors, and runs without a validation, as they are", async () => {
    const out = join(directory, "diverged");
    expect(await failureOf(keepBest(diverging(undefined), out, info))).toBe(failed);
    expect(existsSync(out)).toBe(false);
    const other = new MuldeError("TRAINER_CHECKPOINT_WRITE", "full.");
    expect(await failureOf(keepBest(diverging(await newModel(), other), out, info))).toBe(other);
  });

  it("passes on the events of a run that ends well", async () => {
    const model = await newModel();
    const run = startRun<TrainEvent, TrainResult>(async function* () {
      await Promise.resolve();
      yield { type: "warning", name: "RotH", message: "One." };
      return { model } as TrainResult;
    });
    const seen: TrainEvent[] = [];
    for await (const event of keepBest(run, join(directory, "diverged"), info)) seen.push(event);
    expect(seen).toEqual([{ type: "warning", name: "RotH", message: "One." }]);
    expect((await run.result).model).toBe(model);
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe("a stage of an experiment", () => {
  it("that diverges keeps its best state in its directory, which counts as not trained", async () => {
    mkdirSync(join(directory, "RotH"));
    const model = await newModel();
    const stage = { role: "teacher", name: "RotH", options: { ...brief, model: { name: "RotH", dim: 8 }, seed: 5 } } as const;
    const run = runStage(
      { ...stage, identity: [1], train: () => diverging(model) },
      { data, out: directory, signal: new AbortController().signal },
    );
    const error = await failureOf(run);
    expect((error as Error).message).toContain(join(directory, "RotH", "diverged"));
    expect(readdirSync(join(directory, "RotH"))).toEqual(["diverged"]);
    await loadModel(join(directory, "RotH", "diverged"));
  });
});
