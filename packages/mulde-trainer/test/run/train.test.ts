import { tripleList } from "@mulde/datasets";
import { createKernels } from "@mulde/kernels";
import { createModel, defineModel, type KgeModel, loadTf, modelTeacher } from "@mulde/kge-models";
import { collectScores, type Teacher } from "@mulde/senior";
import { beforeAll, describe, expect, it } from "vitest";
import {
  type DistilInput,
  distil,
  train,
  type TrainEvent,
  type TrainInput,
  type TrainResult,
} from "../../src/index.js";
import { brief, changed, ring } from "../_planted.js";
import { kl } from "../_reference.js";
import { eventsOf, failure, finish, told } from "../_runs.js";

const data = ring();
const thorough: TrainInput = {
  model: { name: "RotH", dim: 16 },
  epochs: 60,
  batchSize: 64,
  negatives: 23,
  optimizer: { learningRate: 0.03 },
  validation: { every: 10 },
  seed: 1,
};

it.each([
  ["1vsAll", 6],
  ["KvsAll", 4],
  ["KvsAllSoftmax", 4],
] as const)("an epoch of %s has %d queries", async (loss, steps) => {
  // One head with three tails: a query, and three reciprocal ones.
  const star = tripleList(Int32Array.of(0, 0, 0), Int32Array.of(0, 0, 0), Int32Array.of(1, 2, 3));
  const few = { entities: { size: 4 }, relations: { size: 1 }, train: star, valid: star, test: star };
  const options = { model: { dim: 4 }, epochs: 1, batchSize: 1, loss };
  const { model, ...result } = await finish(train(options, { data: few }));
  expect(result.steps).toBe(steps);
  model.dispose();
});

it("biases stay 0 where they are not to be learned, for the facts and with teachers", async () => {
  const zeros = (model: KgeModel): boolean[] =>
    ["headBias", "tailBias"].map((name) => model.table(name).data.every((value) => value === 0));
  const options = { ...brief, epochs: 1 };
  const unbiased = changed({ model: { biases: false }, soft: { candidates: 6 } }, options);
  const { model: usual } = await train(options, { data }).result;
  const { model: plain } = await train(changed({ model: { biases: false } }, options), { data }).result;
  const teachers = [modelTeacher(usual, "RotH")];
  const { model: junior } = await distil(unbiased, { data, teachers }).result;
  expect([zeros(usual), zeros(plain), zeros(junior)]).toEqual([
    [false, false],
    [true, true],
    [true, true],
  ]);
  for (const model of [usual, plain, junior]) model.dispose();
});

const parameters = (model: KgeModel): number[][] => [...model.tables.values()].map(({ data: values }) => [...values]);

/** Facts that a model knows the opposite of: relation 0 as three steps back. */
const wrong: Teacher = {
  name: "wrong",
  score(heads, relations, candidates, out) {
    const K = candidates.length / heads.length;
    candidates.forEach((e, at) => {
      const [h, r] = [heads[Math.floor(at / K)]!, relations[Math.floor(at / K)]!];
      out[at] = e === (h + 24 - 7 - r) % 24 ? 12 : -2;
    });
  },
};

describe("training on a planted graph", () => {
  let teacher: TrainResult;
  beforeAll(async () => {
    teacher = await train(thorough, { data }).result;
  });

  it("RotH finds the rotation", () => {
    expect(teacher.best.metrics.mrr).toBeGreaterThan(0.95);
    const { train, valid, test } = data;
    for (const split of [train, valid, test]) {
      const { ids } = teacher.model.topK(split, 1);
      const right = ids.filter((id, i) => id === split.tails[i]).length;
      expect(right / split.length).toBeGreaterThan(0.95);
    }
  });

  it("a Euclidean model finds it too, with Adagrad, 1vsAll, a cosine schedule and warm-up", async () => {
    const options: TrainInput = {
      ...thorough,
      model: { name: "RotE", dim: 16 },
      loss: "1vsAll",
      optimizer: { name: "adagrad", learningRate: 0.3 },
      schedule: { name: "cosine", warmup: 0.1 },
    };
    const { best } = await train(options, { data }).result;
    expect(best.metrics.mrr).toBeGreaterThan(0.95);
  });

  it("a smaller Junior is distilled from a teacher of the same facts", async () => {
    const options = changed({ model: { dim: 8 }, soft: { candidates: 8, weight: 0.5 } }, thorough);
    const events: TrainEvent[] = [];
    const { best, senior, model } = await finish(
      distil(options, { data, teachers: [modelTeacher(teacher.model, "RotH")] }),
      (event) => events.push(event),
    );
    expect(best.metrics.mrr).toBeGreaterThan(0.95);
    expect(model.dim).toBe(8);
    expect([...senior.keys()]).toEqual(["scaling"]);
    expect(senior.get("scaling")).toHaveLength(2 * 4 * 1);
    expect(senior.get("scaling")!.some((w) => w !== 1)).toBe(true);
    const parts = events.flatMap((event) => (event.type === "epoch" ? [event.loss] : []));
    for (const { total, hard, soft, senior: seniorLoss } of parts) {
      expect(total).toBeCloseTo(hard + 0.5 * soft! + seniorLoss!, 5);
    }
    expect(parts.at(-1)!.hard).toBeLessThan(parts[0]!.hard);
  });

  it("a Junior comes to agree with what its teachers say, facts or not", async () => {
    const options = changed({ epochs: 30, optimizer: { learningRate: 0.03 }, validation: { every: 30 } });
    const heads = Int32Array.from({ length: 24 }, (_, i) => i);
    const relations = new Int32Array(24);
    const candidates = Int32Array.from({ length: 24 * 24 }, (_, i) => i % 24);
    const taught = new Float32Array(24 * 24);
    await collectScores([wrong], heads, relations, candidates, taught);
    const distance = async (weight: number): Promise<number> => {
      const own: DistilInput = { ...options, soft: { weight, candidates: 24 }, senior: { scaling: "none" } };
      const { model } = await distil(own, { data, teachers: [wrong] }).result;
      const scores = model.scoreAll({ heads, relations });
      const row = (all: Float32Array, b: number) => [...all.subarray(24 * b, 24 * (b + 1))];
      return heads.reduce((sum, b) => sum + kl(row(taught, b), row(scores, b)) / 24, 0);
    };
    const ignored = await distance(0);
    expect(await distance(20)).toBeLessThan(0.5 * ignored);
  });

  it("starts a Junior from a given model, which must fit", async () => {
    const teachers = [wrong];
    const options = changed({ model: { dim: 16 }, epochs: 1, optimizer: { learningRate: 1e-12 } });
    const start = parameters(teacher.model);
    const { model } = await distil(options, { data, teachers, initial: teacher.model }).result;
    parameters(model).forEach((values, i) => {
      values.forEach((x, k) => expect(x).toBeCloseTo(start[i]![k]!, 6));
    });
    const others: [DistilInput, string, string][] = [
      [{ model: { dim: 8 } }, "dim", "is 16, but the Junior's is 8"],
      [{ model: { name: "RefH" } }, "model", "is RotH, but the Junior's is RefH"],
      [{ model: { curvature: "shared" } }, "curvature", "is relation, but the Junior's is shared"],
    ];
    for (const [other, key, reason] of others) {
      const refused = failure(() => distil(changed(other, options), { data, teachers, initial: teacher.model }));
      expect(refused).toMatchObject({ code: "TRAINER_INITIAL", path: ["initial", key] });
      expect(refused.reason).toContain(reason);
    }
    const more = { data: ring(25), teachers, initial: teacher.model };
    expect(failure(() => distil(options, more))).toMatchObject({
      code: "TRAINER_INITIAL",
      path: ["initial", "entities"],
    });
  });
});

describe("a run", () => {
  it("is the same to the last bit for the same seed, and another for another", async () => {
    const run = async (seed: number) => {
      return told(await eventsOf(train({ ...brief, seed }, { data })));
    };
    const first = await run(5);
    expect(await run(5)).toEqual(first);
    expect(await run(6)).not.toEqual(first);
  });

  it("does not depend on the number of threads", async () => {
    const large = ring(300, 6);
    const teachers = [await createModel({ model: "TransE", dim: 8, entities: 300, relations: 6, seed: 2 })];
    const results: unknown[] = [];
    for (const threads of [1, 2]) {
      const kernels = await createKernels({ threads });
      expect(kernels.threads).toBe(threads);
      const shape: TrainInput = {
        model: { dim: 32 },
        epochs: 2,
        batchSize: 256,
        negatives: 63,
        validation: { every: 1 },
      };
      const named = teachers.map((model) => modelTeacher(model, "t"));
      for (const run of [
        train(changed({ ...shape, loss: "crossEntropy" }), { data: large, kernels }),
        train(changed({ ...shape, loss: "1vsAll" }), { data: large, kernels }),
        distil(changed({ ...shape, soft: { candidates: 40 } }), { data: large, kernels, teachers: named }),
      ]) {
        results.push(told(await eventsOf(run)));
      }
      await kernels.engine.close();
    }
    expect(results.slice(3)).toEqual(results.slice(0, 3));
  });

  it("tells its events in order", async () => {
    const events: TrainEvent[] = [];
    const result = await finish(train({ ...brief, epochs: 5 }, { data, name: "mine" }), (event) => events.push(event));
    const order = events.filter(({ type }) => type !== "progress");
    const epochs = [
      ["epoch", 0],
      ["epoch", 1],
      ["validation", 1],
      ["epoch", 2],
      ["epoch", 3],
      ["validation", 3],
    ];
    // The last epoch is validated whatever `validation.every` says.
    expect(order.map((event) => ("epoch" in event ? [event.type, event.epoch] : [event.type]))).toEqual([
      ["start"],
      ...epochs,
      ["epoch", 4],
      ["validation", 4],
      ["done"],
    ]);
    const stepsPerEpoch = Math.ceil((2 * data.train.length) / 32);
    expect(events[0]).toEqual({
      type: "start",
      name: "mine",
      model: "RotH",
      dim: 8,
      epochs: 5,
      steps: 5 * stepsPerEpoch,
      resumedAt: 0,
    });
    expect(events.every(({ name }) => name === "mine")).toBe(true);
    expect(events.some(({ type }) => type === "progress")).toBe(true);
    expect(result).toMatchObject({ epochs: 5, steps: 5 * stepsPerEpoch, senior: new Map() });
    expect(events.at(-1)).toEqual({ type: "done", name: "mine", result });
    for (const event of events) {
      if (event.type === "epoch") expect(event.loss).toEqual({ total: event.loss.hard, hard: event.loss.hard });
    }
  });

  it("validates at its end even when it is shorter than validation.every", async () => {
    const { best, epochs } = await train({ ...brief, epochs: 1, validation: { every: 50 } }, { data }).result;
    expect(best.epoch).toBe(0);
    expect(epochs).toBe(1);
    expect(best.metrics.mrr).toBeGreaterThan(0);
  });

  it("stops after `patience` validations without a better one, and gives back the best parameters", async () => {
    // Steps this large soon lose what was found: a few validations are better, the rest are not.
    const options: TrainInput = {
      ...brief,
      epochs: 200,
      optimizer: { learningRate: 0.5 },
      validation: { every: 1, patience: 4 },
    };
    const marks: { readonly mrr: number; readonly best: boolean }[] = [];
    const result = await finish(train(options, { data }), (event) => {
      if (event.type === "validation") marks.push({ mrr: event.metrics.mrr, best: event.best });
    });
    const top = Math.max(...marks.map(({ mrr }) => mrr));
    const at = marks.findIndex(({ mrr }) => mrr === top);
    expect(result.epochs).toBe(at + 1 + 4);
    expect(result.epochs).toBeLessThan(200);
    expect(marks).toHaveLength(result.epochs);
    expect(result.best).toMatchObject({ epoch: at, metrics: { mrr: top } });
    // `best` marks each new maximum.
    let high = -1;
    for (const { mrr, best } of marks) {
      expect(best).toBe(mrr > high);
      high = Math.max(high, mrr);
    }
    // A run that ends right there has those parameters; the loop went on for four epochs more.
    const shorter = { ...options, epochs: at + 1, validation: { every: 1, patience: 200 } };
    const until = await train(shorter, { data }).result;
    expect(parameters(result.model)).toEqual(parameters(until.model));
  });

  it("ends with an error that names the fix when it diverges, never with a rank", async () => {
    for (const [model, learningRate] of [
      ["TransE", 1e30],
      ["RotH", 1e38],
      ["TransE", 3e18],
    ] as const) {
      const options = changed({ model, optimizer: { learningRate }, epochs: 3, validation: { every: 1 } });
      const events: TrainEvent[] = [];
      const run = finish(train(options, { data, name: "wild" }), (event) => events.push(event));
      await expect(run, `${model} at ${learningRate}`).rejects.toMatchObject({
        name: "MuldeError",
        code: "TRAINER_DIVERGED",
        message: expect.stringMatching(/^wild \(\w+\) diverged in .+ Lower optimizer\.learningRate/) as string,
      });
      for (const event of events) if (event.type === "validation") expect(event.metrics.mrr).toBeLessThan(1);
    }
  });

  it("ends likewise when a Junior diverges, and names a teacher that is at fault instead", async () => {
    const options = changed({ model: "TransE", optimizer: { learningRate: 1e30 }, soft: { candidates: 5 } });
    await expect(distil(options, { data, teachers: [wrong] }).result).rejects.toMatchObject({
      code: "TRAINER_DIVERGED",
    });
    const broken: Teacher = { name: "broken", score: (_, __, ___, out) => void out.fill(NaN) };
    const teachers = [wrong, broken];
    const few = changed({ soft: { candidates: 5 } });
    await expect(distil(few, { data, teachers }).result).rejects.toMatchObject({
      code: "TRAINER_DIVERGED",
      message: expect.stringContaining('the teacher "broken" gave NaN') as string,
    });
  });

  it("stops at the next step once its signal is aborted", async () => {
    const controller = new AbortController();
    const events: TrainEvent[] = [];
    const run = finish(train({ ...brief, epochs: 1000 }, { data, signal: controller.signal }), (event) => {
      events.push(event);
      if (event.type === "validation") controller.abort();
    });
    await expect(run).rejects.toMatchObject({ name: "AbortError" });
    expect(events.at(-1)).toMatchObject({ type: "validation", epoch: 1 });
  });

  it("trains a model of one's own in TensorFlow.js, and leaves no tensor behind", async () => {
    defineModel({
      name: "Gated",
      similarity: "dot",
      dimMultiple: 1,
      tables: { gate: { width: (dim) => dim, init: "uniform" }, shift: { width: (dim) => dim, init: "uniform" } },
      encode: (tf, { head, relation }) => tf.add(tf.mul(head, tf.tanh(relation.gate!)), relation.shift!),
    });
    const tf = await loadTf();
    const before = tf.memory().numTensors;
    const losses: number[] = [];
    for (let run = 0; run < 2; run++) {
      const { model } = await finish(train(changed({ model: "Gated", epochs: 4 }), { data }), (event) => {
        if (event.type === "epoch") losses.push(event.loss.total);
        expect(tf.memory().numTensors).toBe(before);
      });
      expect(model.definition.fused).toBeUndefined();
    }
    expect(losses[3]).toBeLessThan(losses[0]!);
    expect(losses.slice(4)).toEqual(losses.slice(0, 4));
  });
});
