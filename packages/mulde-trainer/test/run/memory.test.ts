import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MuldeError } from "@mulde/errors";
import { createKernels, type Engine, Kernels } from "@mulde/kernels";
import { createModel, type KgeModel, modelTeacher } from "@mulde/kge-models";
import { beforeAll, describe, expect, it } from "vitest";
import { distil, train, type TrainingRun } from "../../src/index.js";
import { changed, ring } from "../_planted.js";
import { failure, finish } from "../_runs.js";

const data = ring();

/** Kernels on WebAssembly, and the arrays that were taken from its heap and not given back. */
async function counted(): Promise<{ kernels: Kernels; live: Set<unknown>; failAt: (allocation: number) => void }> {
  const { engine } = await createKernels({ engine: "wasm", threads: 1 });
  const live = new Set<unknown>();
  let left = Infinity;
  const noted = <T>(make: () => T): T => {
    if (left-- <= 0) throw new MuldeError("KERNELS_OUT_OF_MEMORY", "Nothing fits.");
    const array = make();
    live.add(array);
    return array;
  };
  const counting: Engine = {
    ...engine,
    float32: (length) => noted(() => engine.float32(length)),
    int32: (length) => noted(() => engine.int32(length)),
    float64: (length) => noted(() => engine.float64(length)),
    free: (...arrays) => {
      for (const array of arrays) live.delete(array);
      engine.free(...arrays);
    },
  };
  return { kernels: new Kernels(counting), live, failAt: (allocation) => (left = allocation) };
}

describe("the kernels' memory", () => {
  let kernels: Kernels;
  let live: Set<unknown>;
  let failAt: (allocation: number) => void;
  let start: number;
  /** A teacher that learns, and has its memory before and after. */
  let pupil: KgeModel;
  beforeAll(async () => {
    ({ kernels, live, failAt } = await counted());
    pupil = await createModel({ model: "RotE", dim: 4, entities: 24, relations: 4, kernels });
    // What the kernels keep for themselves is made at their first use, of each kind.
    for (const [, make] of runs) (await make().result).model.dispose();
    start = live.size;
  });

  const teacher = {
    name: "flat",
    score: (_: unknown, __: unknown, ___: unknown, out: Float32Array) => void out.fill(1),
  };
  const twoStages = (): TrainingRun => {
    const options = changed({ epochs: 3, validation: { every: 3 }, soft: { candidates: 5, adaptFrom: 1 } });
    return distil(options, { data, kernels, teachers: [teacher, modelTeacher(pupil, "RotE")], adapting: [pupil] });
  };
  const short = changed({ epochs: 2, soft: { candidates: 5 } });
  const facts = changed({ epochs: 2 });
  const every = changed({
    epochs: 2,
    negatives: { filter: true, bothEnds: 0.5 },
    rules: ["ownHead", "neighbours"],
    regularizer: { name: "N3", weight: 0.1, dropout: 0.1 },
    soft: { queries: 0.5, confidence: 1, candidates: { k: 5, refresh: 2 } },
  });
  const runs: [string, () => TrainingRun][] = [
    ["sampled negatives", () => train(facts, { data, kernels })],
    ["1vsAll", () => train(changed({ loss: "1vsAll" }, facts), { data, kernels })],
    ["distillation", () => distil(short, { data, kernels, teachers: [teacher] })],
    [
      "distillation beside 1vsAll",
      () => distil(changed({ loss: "1vsAll" }, short), { data, kernels, teachers: [teacher] }),
    ],
    ["distillation with every part", () => distil(every, { data, kernels, teachers: [teacher] })],
    ["distillation in two stages", twoStages],
  ];

  it.each(runs)("is the model's alone after a run, and all given back with it (%s)", async (_, make) => {
    const { model } = await make().result;
    for (const { data: values } of model.tables.values()) expect(live.has(values)).toBe(true);
    model.dispose();
    expect(live.size).toBe(start);
  });

  it.each(runs)("is given back when nobody listens to the end (%s)", async (_, make) => {
    for await (const event of make()) if (event.type === "validation") break;
    expect(live.size).toBe(start);
  });

  it.each(runs)("is the listener's from `done` on (%s)", async (_, make) => {
    for await (const event of make()) {
      if (event.type !== "done") continue;
      expect(event.result.model.score(data.test).every(Number.isFinite)).toBe(true);
      event.result.model.dispose();
      break;
    }
    expect(live.size).toBe(start);
  });

  it("is given back when a run fails", async () => {
    const failing = [
      train(changed({ model: "TransE", optimizer: { learningRate: 1e30 } }), { data, kernels }),
      distil(short, { data, kernels, teachers: [{ name: "none", score: () => undefined }] }),
      train(facts, { data, kernels, signal: AbortSignal.abort() }),
      train(facts, { data, kernels, checkpoint: join(fileURLToPath(import.meta.url), "x") }),
    ];
    for (const run of failing) {
      await expect(finish(run)).rejects.toThrow();
      expect(live.size).toBe(start);
    }
  });

  it("is not taken by a run that is refused or never listened to", async () => {
    train(facts, { data, kernels });
    failure(() => train({ model: { dim: 0 } }, { data, kernels }));
    // More candidates in a row than there are entities.
    failure(() => distil(changed({ soft: { queries: 1 } }), { data, kernels, teachers: [teacher] }));
    failure(() => train(changed({ loss: "KvsAll", negatives: { bothEnds: 1 } }), { data, kernels }));
    const initial = await createModel({ model: "RotH", dim: 4, entities: 24, relations: 4 });
    failure(() => distil(short, { data, kernels, teachers: [modelTeacher(initial, "small")], initial }));
    expect(live.size).toBe(start);
  });

  it.each(runs)("is given back wherever an allocation fails (%s)", async (_, make) => {
    // The kernels' own scratch memory stays for the next call; here it is given back, to be allocated in every attempt.
    const idle = () => {
      kernels.dispose();
      pupil.inference.dispose();
      return { arrays: live.size, bytes: kernels.engine.bytesInUse() };
    };
    const before = idle();
    let failures = 0;
    for (; ; failures++) {
      failAt(failures);
      const ended = await make().result.catch((error: unknown) => error as Error);
      failAt(Infinity);
      if (!(ended instanceof Error)) {
        ended.model.dispose();
        break;
      }
      // A teacher may be the one that finds none.
      expect([ended, ended.cause]).toContainEqual(expect.objectContaining({ code: "KERNELS_OUT_OF_MEMORY" }));
      expect([failures, idle()]).toEqual([failures, before]);
    }
    expect(failures).toBeGreaterThan(20);
    expect(idle()).toEqual(before);
  });
});

it("comes back where WebAssembly's memory is really full, so that the next run fits", async () => {
  // A small memory, which cannot grow: 4 MiB, of which the kernels' stack takes two.
  const { Memory } = WebAssembly;
  const small = function (descriptor: WebAssembly.MemoryDescriptor) {
    return new Memory({ ...descriptor, maximum: descriptor.initial });
  };
  WebAssembly.Memory = small as unknown as typeof Memory;
  const kernels = await createKernels({ engine: "wasm", threads: 1 }).finally(() => {
    WebAssembly.Memory = Memory;
  });
  const { engine } = kernels;
  const teacher = {
    name: "flat",
    score: (_: unknown, __: unknown, ___: unknown, out: Float32Array) => void out.fill(1),
  };
  const options = changed({ epochs: 2, soft: { candidates: { k: 5, refresh: 2 }, queries: 0.5 } });
  const run = () => distil(options, { data, kernels, teachers: [teacher] }).result;
  let refusals = 0;
  for (let room = 1 << 14; ; room *= 1.3) {
    // Everything but so many bytes is taken.
    const taken: Float32Array[] = [];
    const gap = engine.float32(Math.floor(room / 4));
    for (let size = 1 << 19; size >= 16; size /= 2) {
      try {
        for (;;) taken.push(engine.float32(size));
      } catch (error) {
        expect(error).toMatchObject({ code: "KERNELS_OUT_OF_MEMORY" });
      }
    }
    engine.free(gap);
    const before = engine.bytesInUse();
    const ended = await run().catch((error: unknown) => error as MuldeError);
    kernels.dispose();
    if (!(ended instanceof Error)) ended.model.dispose();
    expect(engine.bytesInUse()).toBe(before);
    engine.free(...taken);
    if (!(ended instanceof Error)) break;
    expect(ended.code).toBe("KERNELS_OUT_OF_MEMORY");
    refusals++;
    // With all of the memory the run fits again.
    (await run()).model.dispose();
    kernels.dispose();
    expect(engine.bytesInUse()).toBe(0);
  }
  expect(refusals).toBeGreaterThan(3);
  await kernels.close();
});
