import { tripleList } from "@mulde/datasets";
import { evaluate, type Scorer } from "@mulde/eval";
import { createModel, type KgeModel, modelScorer, NamedModel } from "@mulde/kge-models";
import { beforeAll, describe, expect, it } from "vitest";
import { evaluateModel, prepareData } from "../../src/index.js";
import { ring, without } from "../_planted.js";

const data = ring();
const { known } = prepareData(data);
let model: KgeModel;
beforeAll(async () => {
  model = await createModel({ model: "RotE", dim: 4, entities: 24, relations: 4, seed: 3 });
});

/** Writes the scores of all entities, query by query. */
function scorer(write: (head: number, relation: number, scores: Float32Array) => void): Scorer {
  return {
    numEntities: 24,
    scoreAll: (heads, relations, out) =>
      heads.forEach((head, b) => write(head, relations[b]!, out.subarray(24 * b, 24 * (b + 1)))),
  };
}

describe("evaluateModel", () => {
  it("ranks the test split, or the one asked for, without known answers of any split", async () => {
    for (const split of ["train", "valid", "test"] as const) {
      const expected = await evaluate(modelScorer(model), { triples: data[split], numRelations: 4, known });
      expect(without(await evaluateModel(model, data, split), "seconds")).toEqual(without(expected, "seconds"));
    }
    const [usual, test] = [await evaluateModel(model, data), await evaluateModel(model, data, "test")];
    expect(without(usual, "seconds")).toEqual(without(test, "seconds"));
    expect(usual.filtered).toBe(true);
  });

  it("takes a model with names and any scorer too", async () => {
    const { mrr } = await evaluateModel(model, data);
    const named = new NamedModel(model, { entities: data.entities.names, relations: data.relations.names });
    expect((await evaluateModel(named, data)).mrr).toBe(mrr);
    expect((await evaluateModel(modelScorer(model), data)).mrr).toBe(mrr);
    const perfect = scorer((head, relation, scores) => {
      const step = (relation % 4) + 1;
      scores.fill(0)[(head + (relation < 4 ? step : 24 - step)) % 24] = 1;
    });
    expect((await evaluateModel(perfect, data)).mrr).toBe(1);
  });

  it("takes the options of evaluate", async () => {
    const raw = await evaluateModel(model, data, "valid", { known: undefined, hitsAt: [7], trainTriples: data.train });
    expect(raw.filtered).toBe(false);
    expect(Object.keys(raw.hits)).toEqual(["7"]);
    expect(raw.byCategory!["1-1"].ranks).toBe(2 * data.valid.length);
    const flat = scorer((_, __, scores) => scores.fill(1));
    const mrr = async (tie: "optimistic" | "pessimistic"): Promise<number> =>
      (await evaluateModel(flat, data, "test", { tie })).mrr;
    expect(await mrr("optimistic")).toBe(1);
    expect(await mrr("pessimistic")).toBeLessThan(0.1);
  });

  it("refuses an empty split", async () => {
    const nothing = tripleList(new Int32Array(), new Int32Array(), new Int32Array());
    await expect(evaluateModel(model, { ...data, test: nothing })).rejects.toMatchObject({
      code: "TRAINER_DATA",
      path: ["test"],
    });
  });
});
