import { describe, expect, it } from "vitest";
import { distilSchema, expanded, merged, parseOptions } from "../../src/index.js";
import { failure } from "../_runs.js";

describe("a noun written as one value", () => {
  it.each<[unknown, unknown]>([
    [{ model: "TransE" }, { model: { name: "TransE" } }],
    [{ optimizer: "adagrad" }, { optimizer: { name: "adagrad" } }],
    [{ schedule: "plateau" }, { schedule: { name: "plateau" } }],
    [{ loss: "1vsAll" }, { loss: { name: "1vsAll" } }],
    [{ regularizer: "N3" }, { regularizer: { name: "N3" } }],
    [{ negatives: 15 }, { negatives: { count: 15 } }],
    [{ soft: { candidates: 64 } }, { soft: { candidates: { k: 64 } } }],
    [{ soft: { candidates: "random" } }, { soft: { candidates: { source: "random" } } }],
  ])("%j is %j", (short, long) => {
    expect(expanded(short)).toEqual(long);
    expect(parseOptions(distilSchema, short)).toEqual(parseOptions(distilSchema, long));
    expect(parseOptions(distilSchema, short)).not.toEqual(parseOptions(distilSchema, {}));
  });

  it.each<[unknown, string]>([
    [{ negatives: "many" }, "negatives"],
    [{ loss: 3 }, "loss"],
    [{ model: ["RotH"] }, "model"],
    [{ validation: 5 }, "validation"],
    [{ soft: { candidates: true } }, "soft.candidates"],
  ])("of another type is refused by the noun's name: %j", (input, name) => {
    const { code, path } = failure(() => parseOptions(distilSchema, input));
    expect([code, path.join(".")]).toEqual(["TRAINER_OPTION", name]);
  });

  it("is left alone where there is none, or no object at all", () => {
    for (const value of ["fast", 7, null, undefined, [1, "loss"]]) expect(expanded(value)).toBe(value);
    const rules = ["ownHead", { functional: 1.05 }];
    expect(expanded({ rules, seed: 3 })).toEqual({ rules, seed: 3 });
  });
});

describe("merged options", () => {
  it("merge noun by noun, and field by field in each", () => {
    const below = { epochs: 7, optimizer: { name: "adagrad", learningRate: 0.1 }, soft: { weight: 2, candidates: 64 } };
    const above = { seed: 1, optimizer: { learningRate: 0.2, sparse: true }, soft: { candidates: "random" } };
    expect(merged(below, above)).toEqual({
      epochs: 7,
      seed: 1,
      optimizer: { name: "adagrad", learningRate: 0.2, sparse: true },
      soft: { weight: 2, candidates: { k: 64, source: "random" } },
    });
  });

  it("take a shorthand on either side", () => {
    expect(merged({ model: { name: "RotH", dim: 8 } }, { model: "TransE" })).toEqual({
      model: { name: "TransE", dim: 8 },
    });
    expect(merged({ model: "TransE" }, { model: { dim: 8 } })).toEqual({ model: { name: "TransE", dim: 8 } });
    expect(merged({ negatives: 3 }, { negatives: { filter: true } })).toEqual({
      negatives: { count: 3, filter: true },
    });
  });

  it("replace lists and plain values whole", () => {
    expect(merged({ rules: ["ownHead"] }, { rules: [{ functional: 1 }] })).toEqual({ rules: [{ functional: 1 }] });
    expect(merged({ soft: { weight: 1 } }, { soft: 3 })).toEqual({ soft: 3 });
    expect(merged({ soft: 3 }, { soft: { weight: 1 } })).toEqual({ soft: { weight: 1 } });
  });

  it("keep what is below where nothing is above", () => {
    const below = { loss: { name: "bce", margin: 2 } };
    expect(merged(below, {})).toEqual(below);
    expect(merged(below, undefined)).toEqual(below);
    expect(merged(below, { loss: undefined, seed: undefined })).toEqual({ ...below, seed: undefined });
    expect(merged(undefined, below)).toEqual(below);
  });

  it("change neither side", () => {
    const [below, above] = [{ model: { name: "RotH", dim: 8 } }, { model: { dim: 4 } }];
    merged(below, above);
    expect([below, above]).toEqual([{ model: { name: "RotH", dim: 8 } }, { model: { dim: 4 } }]);
  });

  it("keep names that every object inherits, for the schema to refuse", () => {
    for (const key of ["constructor", "toString"]) {
      const both = merged({ seed: 1 }, { [key]: 3 });
      expect(Object.keys(both as object)).toEqual(["seed", key]);
      expect(failure(() => parseOptions(distilSchema, both)).path).toEqual([key]);
      expect(merged({ model: { dim: 4 } }, { model: { [key]: 3 } })).toEqual({ model: { dim: 4, [key]: 3 } });
    }
  });
});
