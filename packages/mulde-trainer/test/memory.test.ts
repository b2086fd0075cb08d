import { createKernels, type Engine, Kernels } from "@mulde/kernels";
import { createModel, type KgeModel, modelTeacher } from "@mulde/kge-models";
import { beforeAll, describe, expect, it } from "vitest";
import { distil, finish, pretrainTeacher, type TrainEvent, type TrainResult } from "../src/index.js";
import { brief, ring } from "./_planted.js";

const data = ring();

/** Kernels on WebAssembly, and the arrays that were taken from its heap and not given back. */
async function counted(): Promise<{ kernels: Kernels; live: Set<unknown> }> {
  const { engine } = await createKernels({ engine: "wasm", threads: 1 });
  const live = new Set<unknown>();
  const noted = <T>(array: T): T => {
    live.add(array);
    return array;
  };
  const counting: Engine = {
    ...engine,
    float32: (length) => noted(engine.float32(length)),
    int32: (length) => noted(engine.int32(length)),
    float64: (length) => noted(engine.float64(length)),
    free: (...arrays) => {
      for (const array of arrays) live.delete(array);
      engine.free(...arrays);
    },
  };
  return { kernels: new Kernels(counting), live };
}

describe("the kernels' memory", () => {
  let kernels: Kernels;
  let live: Set<unknown>;
  let start: number;
  /** A teacher that learns, and has its memory before and after. */
  let pupil: KgeModel;
  beforeAll(async () => {
    ({ kernels, live } = await counted());
    pupil = await createModel({ model: "RotE", dim: 4, entities: 24, relations: 4, kernels });
    // What the kernels keep for themselves is made at their first use, of each kind.
    for (const [, stream] of streams) (await finish(stream())).model.dispose();
    start = live.size;
  });

  const teacher = {
    name: "flat",
    score: (_: unknown, __: unknown, ___: unknown, out: Float32Array) => void out.fill(1),
  };
  const twoStages = (): AsyncGenerator<TrainEvent, TrainResult> => {
    const options = { ...brief, epochs: 3, validateEvery: 3, topK: 5, adaptFrom: 1 };
    return distil(options, { data, kernels, teachers: [teacher, modelTeacher(pupil, "RotE")], adapting: [pupil] });
  };
  const streams: [string, () => AsyncGenerator<TrainEvent, TrainResult>][] = [
    ["sampled negatives", () => pretrainTeacher({ ...brief, epochs: 2 }, { data, kernels })],
    ["1vsAll", () => pretrainTeacher({ ...brief, epochs: 2, loss: "1vsAll" }, { data, kernels })],
    ["distillation", () => distil({ ...brief, epochs: 2, topK: 5 }, { data, kernels, teachers: [teacher] })],
    ["distillation in two stages", twoStages],
  ];

  it.each(streams)("is the model's alone after a run, and all given back with it (%s)", async (_, stream) => {
    const { model } = await finish(stream());
    for (const { data: values } of model.tables.values()) expect(live.has(values)).toBe(true);
    model.dispose();
    expect(live.size).toBe(start);
  });

  it.each(streams)("is given back when nobody listens to the end (%s)", async (_, stream) => {
    for await (const event of stream()) if (event.type === "validation") break;
    expect(live.size).toBe(start);
  });

  it.each(streams)("is the listener's from `done` on (%s)", async (_, stream) => {
    for await (const event of stream()) {
      if (event.type !== "done") continue;
      expect(event.result.model.score(data.test).every(Number.isFinite)).toBe(true);
      event.result.model.dispose();
      break;
    }
    expect(live.size).toBe(start);
  });

  it("is given back when a run fails", async () => {
    const failing = [
      pretrainTeacher({ ...brief, model: "TransE", learningRate: 1e30 }, { data, kernels }),
      distil({ ...brief, topK: 5 }, { data, kernels, teachers: [{ name: "none", score: () => undefined }] }),
      pretrainTeacher(brief, { data, kernels, signal: AbortSignal.abort() }),
      pretrainTeacher(brief, { data, kernels, checkpoint: "/dev/null/x" }),
      pretrainTeacher({ ...brief, loss: "KvsAll", doubleNegatives: 1 }, { data, kernels }),
    ];
    for (const stream of failing) {
      await expect(finish(stream)).rejects.toThrow();
      expect(live.size).toBe(start);
    }
    const initial = await createModel({ model: "RotH", dim: 4, entities: 24, relations: 4 });
    const teachers = [modelTeacher(initial, "small")];
    await expect(finish(distil(brief as object, { data, kernels, teachers, initial }))).rejects.toThrow();
    expect(live.size).toBe(start);
  });
});
