import { describe, expect, it } from "vitest";
import { distilSchema, optionEntries, parseOptions, trainSchema } from "../../src/index.js";
import { optionNames } from "../../src/run/parse.js";
import { failure } from "../_runs.js";

/** The dotted names of the values of filled-in options; a list is a value. */
function leaves(value: unknown, prefix = ""): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [prefix];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, prefix === "" ? key : `${prefix}.${key}`));
}

describe("parseOptions", () => {
  it("wants an object", () => {
    for (const input of ["fast", 7, [], null]) {
      expect(failure(() => parseOptions(trainSchema, input))).toMatchObject({ code: "TRAINER_OPTION", path: [] });
    }
  });

  it.each<[unknown, string, string]>([
    [{ learnigRate: 1 }, "learnigRate", "optimizer.learningRate"],
    [{ learningrate: 1 }, "learningrate", "optimizer.learningRate"],
    [{ optimizer: { learningrate: 0.1 } }, "optimizer.learningrate", "optimizer.learningRate"],
    [{ optimzer: "adam" }, "optimzer", "optimizer"],
    [{ model: { dims: 8 } }, "model.dims", "model.dim"],
    [{ model: { learningRate: 1 } }, "model.learningRate", "optimizer.learningRate"],
    [{ epoch: 8 }, "epoch", "epochs"],
    [{ soft: { candidate: 8 } }, "soft.candidate", "soft.candidates"],
    [{ soft: { topK: 8 } }, "soft.topK", "soft.candidates.k"],
  ])("suggests the nearest option for an unknown one: %j", (input, name, nearest) => {
    const { path, reason } = failure(() => parseOptions(distilSchema, input));
    expect(path.join(".")).toBe(name);
    expect(reason).toBe(`there is no such option; did you mean ${nearest}?`);
  });

  it("says where the options are listed if nothing is near", () => {
    const { reason } = failure(() => parseOptions(trainSchema, { xyzzy: 1 }));
    expect(reason).toBe("there is no such option; see mulde options.");
  });

  it("refuses in training what only distillation has", () => {
    for (const noun of ["soft", "senior"]) {
      expect(failure(() => parseOptions(trainSchema, { [noun]: {} }))).toMatchObject({
        code: "TRAINER_OPTION",
        path: [noun],
      });
    }
  });

  it("refuses names that every object inherits", () => {
    for (const key of ["constructor", "toString", "hasOwnProperty"]) {
      const { path, reason } = failure(() => parseOptions(trainSchema, { [key]: 1 }));
      expect(path).toEqual([key]);
      expect(reason).toBe("there is no such option; see mulde options.");
    }
  });
});

describe("optionEntries", () => {
  it.each([
    ["trainSchema", trainSchema],
    ["distilSchema", distilSchema],
  ])("names every option of %s once, with the default that the schema fills in", (_, schema) => {
    const entries = [...optionEntries(schema)];
    const names = entries.map(({ name }) => name);
    const filled = parseOptions(schema, {});
    expect(names).toEqual(leaves(filled));
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(optionNames(schema));
    for (const { name, default: value } of entries) {
      const found = name.split(".").reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], filled);
      expect(value, name).toEqual(found);
    }
  });
});
