import { createModel, type KgeModel, modelTeacher } from "@mulde/kge-models";
import { describe, expect, it } from "vitest";
import { Batches } from "../../src/facts/batches.js";
import { prepareData } from "../../src/facts/data.js";
import { factsObjective } from "../../src/facts/facts.js";
import { distil, parseOptions, train, trainSchema } from "../../src/index.js";
import { Averaging } from "../../src/run/averaging.js";
import { Optimizer, trainedTables } from "../../src/run/optimizer.js";
import { Validation } from "../../src/run/validation.js";
import { changed, ring } from "../_planted.js";
import { finish } from "../_runs.js";

const table = (name: string, ...values: number[]) => ({
  name,
  rows: values.length,
  width: 1,
  data: Float32Array.from(values),
  decays: false,
});

describe("the average", () => {
  it("takes in the parameters after 16 steps of an epoch and at its end, with as many powers of the decay", () => {
    const tables = [table("a", 1, -2), table("b", 5)];
    const averaging = new Averaging(tables, 0.5);
    const expected = tables.map(({ data }) => [...data]);
    // Epochs of 20 steps: after steps 16, 20, 36, 40, by when (1 + t) / (10 + t) is above 0.5.
    for (let step = 1; step <= 40; step++) {
      tables.forEach(({ data }) => data.forEach((x, i) => (data[i] = x + step * (i + 1))));
      averaging.update(step, 20);
      const decay = { 16: 0.5 ** 16, 20: 0.5 ** 4, 36: 0.5 ** 16, 40: 0.5 ** 4 }[step];
      tables.forEach(({ name, data }, t) => {
        data.forEach((x, i) => {
          if (decay !== undefined) expected[t]![i] = decay * expected[t]![i]! + (1 - decay) * x;
          expect(averaging.state().get(name)![i]).toBeCloseTo(expected[t]![i]!, 3);
        });
      });
    }
  });

  it("forgets where it started: the decay is (1 + t) / (10 + t) at most", () => {
    const tables = [table("a", 1)];
    const averaging = new Averaging(tables, 0.999);
    tables[0]!.data[0] = 0;
    averaging.update(1, 1);
    expect(averaging.state().get("a")![0]).toBeCloseTo(2 / 11, 6);
    averaging.update(2, 1);
    expect(averaging.state().get("a")![0]).toBeCloseTo((2 / 11) * (3 / 12), 6);
    // A constant stays itself.
    const constant = new Averaging([table("b", 3)], 0.999);
    for (let step = 1; step < 100; step++) constant.update(step, 7);
    expect(constant.state().get("b")![0]).toBe(3);
  });

  it("takes the parameters' place and gives it back", () => {
    const tables = [table("a", 1, 2)];
    const averaging = new Averaging(tables, 0.9);
    tables[0]!.data.set([3, 4]);
    averaging.swap();
    expect([...tables[0]!.data]).toEqual([1, 2]);
    averaging.swap();
    expect([...tables[0]!.data]).toEqual([3, 4]);
    expect([...averaging.state().get("a")!]).toEqual([1, 2]);
  });

  it("is nothing without a decay", () => {
    const tables = [table("a", 1)];
    const averaging = new Averaging(tables, 0);
    averaging.update(1, 1);
    averaging.swap();
    expect([...averaging.state()]).toEqual([]);
    expect(tables[0]!.data[0]).toBe(1);
  });
});

describe("a run with averaging", () => {
  const data = ring();
  const input = changed({ epochs: 4, validation: { every: 4 }, optimizer: { averaging: 0.7 } });
  const values = (model: KgeModel): number[][] => [...model.tables.values()].map((own) => [...own.data]);

  it("validates and returns the average of what it would be without, computed by hand", async () => {
    const result = await train(input, { data }).result;
    const still = changed({ optimizer: { averaging: 0, learningRate: 1e-30 } }, input);
    const start = await train(still, { data }).result;

    const options = parseOptions(trainSchema, changed({ optimizer: { averaging: 0 } }, input));
    const prepared = prepareData(data);
    const { model } = start;
    const objective = factsObjective(model, options, prepared);
    const optimizer = new Optimizer(model.kernels, trainedTables(model), options.optimizer);
    const batches = new Batches(prepared.queries, options.batchSize, options.seed);
    const averages = values(model);
    for (let step = 1; step <= 4 * batches.stepsPerEpoch; step++) {
      const { gradients } = await objective.step(batches.at(step - 1));
      optimizer.update(gradients, step, options.optimizer.learningRate);
      model.touch();
      // Five steps make an epoch.
      if (step % 5 !== 0) continue;
      const decay = Math.min(0.7, (1 + step) / (10 + step)) ** 5;
      values(model).forEach((own, t) =>
        own.forEach((x, i) => (averages[t]![i] = decay * averages[t]![i]! + (1 - decay) * x)),
      );
    }
    values(result.model).forEach((own, t) => {
      own.forEach((x, i) => expect(x).toBeCloseTo(averages[t]![i]!, 5));
    });
    expect(values(result.model)).not.toEqual(values(model));
    // The metrics reported are those of the model returned.
    expect(await new Validation(prepared, options).metrics(result.model)).toEqual(result.best.metrics);
  });

  it("does not change the steps, only what is kept of them", async () => {
    const losses = async (averaging: number): Promise<number[]> => {
      const seen: number[] = [];
      await finish(train(changed({ validation: { every: 1 }, optimizer: { averaging } }, input), { data }), (event) => {
        if (event.type === "epoch") seen.push(event.loss.total);
      });
      return seen;
    };
    expect(await losses(0.7)).toEqual(await losses(0));
  });

  it("averages the Senior's parameters too", async () => {
    const teacher = await createModel({ model: "RotE", dim: 4, entities: 24, relations: 4, seed: 2 });
    const gates = async (averaging: number): Promise<number[]> => {
      const options = changed({ soft: { candidates: 5 }, optimizer: { averaging } }, input);
      const { senior } = await distil(options, { data, teachers: [modelTeacher(teacher, "t")] }).result;
      return [...senior.get("scaling")!];
    };
    const [raw, averaged] = [await gates(0), await gates(0.9)];
    // Gates start at 1 and the average lags behind.
    raw.forEach((gate, i) => expect(Math.abs(averaged[i]! - 1)).toBeLessThan(Math.abs(gate - 1)));
  });
});
