import { describe, expect, it } from "vitest";
import { parseExperiment, stageNames } from "../../src/index.js";
import { failure } from "../_runs.js";

const minimal = { data: "toy", teachers: [{ model: "TransH" }], junior: { model: { dim: 16 } } };

/** Where an experiment is refused, and why. */
function refusal(input: unknown): { path: string; reason: string } {
  const { code, file, path, reason } = failure(() => parseExperiment(input, "run.yaml"));
  expect([code, file]).toEqual(["TRAINER_OPTION", "run.yaml"]);
  return { path: path.join("."), reason };
}

describe("an experiment", () => {
  it("needs data, a teacher and a Junior; the rest has defaults", () => {
    const { name, data, seed, teachers, junior, undistilled } = parseExperiment(minimal);
    expect({ name, data, seed }).toEqual({ name: "experiment", data: "toy", seed: 0 });
    expect(teachers).toHaveLength(1);
    expect(teachers[0]).toMatchObject({
      name: "TransH",
      options: { model: { name: "TransH", dim: 32 }, seed: 1, epochs: 30 },
    });
    expect(junior).toMatchObject({ model: { name: "RotH", dim: 16 }, seed: 0, soft: { candidates: { k: 256 } } });
    expect(undistilled).toMatchObject({ model: { name: "RotH", dim: 16 }, seed: 0, loss: { name: "bce" } });
  });

  it("puts `defaults` under every section, and each section's own options above", () => {
    const { teachers, junior, undistilled } = parseExperiment({
      data: "toy",
      seed: 10,
      defaults: {
        epochs: 7,
        batchSize: 100,
        soft: { candidates: 50 },
        loss: { name: "crossEntropy", smoothing: 0.1 },
        optimizer: { learningRate: 0.01, clipNorm: 1 },
      },
      teachers: [
        { model: "TransH", epochs: 9, optimizer: { clipNorm: 2 } },
        { model: "RotH", loss: "margin" },
      ],
      junior: { model: { dim: 16 }, optimizer: { learningRate: 0.02 } },
    });
    expect(teachers.map(({ options }) => options)).toMatchObject([
      {
        seed: 11,
        epochs: 9,
        batchSize: 100,
        loss: { name: "crossEntropy", smoothing: 0.1 },
        optimizer: { learningRate: 0.01, clipNorm: 2 },
      },
      {
        seed: 12,
        epochs: 7,
        batchSize: 100,
        loss: { name: "margin", smoothing: 0.1 },
        optimizer: { learningRate: 0.01, clipNorm: 1 },
      },
    ]);
    expect(teachers[0]!.options).not.toHaveProperty("soft");
    const both = {
      seed: 10,
      epochs: 7,
      batchSize: 100,
      loss: { name: "crossEntropy", smoothing: 0.1 },
      optimizer: { learningRate: 0.02, clipNorm: 1 },
    };
    expect(junior).toMatchObject({ ...both, soft: { candidates: { k: 50 } } });
    expect(undistilled).toMatchObject(both);
  });

  it("may have defaults that go together only with what a section adds", () => {
    const { junior } = parseExperiment({
      ...minimal,
      defaults: { soft: { candidates: { known: false } } },
      junior: { senior: { scaling: "none" } },
    });
    expect(junior.soft.candidates.known).toBe(false);
  });

  it("gives the undistilled twin the Junior's whole budget, and its hard loss", () => {
    const { junior, undistilled } = parseExperiment({
      data: "toy",
      defaults: {
        loss: "1vsAll",
        epochs: 30,
        negatives: 20,
        validation: { every: 3, patience: 4 },
        schedule: "cosine",
      },
      teachers: [{ model: "TransH" }],
      junior: {
        loss: "margin",
        model: { name: "RefH", dim: 8 },
        epochs: 12,
        batchSize: 64,
        schedule: { warmup: 0.1 },
        soft: { weight: 0.1, candidates: 10 },
        senior: { scaling: "none" },
      },
    });
    expect(undistilled).toMatchObject({ loss: { name: "margin" }, model: { dim: 8 }, schedule: { warmup: 0.1 } });
    expect(junior).toMatchObject(undistilled!);
  });

  it("names a teacher from a directory by it", () => {
    const teachers = [{ from: "runs/a/RotH" }, { from: "runs/b/RotH" }, { from: "runs/c/RotH/", name: "c" }];
    expect(parseExperiment({ ...minimal, teachers }).teachers).toEqual([
      { name: "RotH", from: "runs/a/RotH" },
      { name: "RotH-2", from: "runs/b/RotH" },
      { name: "c", from: "runs/c/RotH/" },
    ]);
  });

  it("lets teachers teach later ones, and the Junior choose among all", () => {
    const { teachers, junior, juniorTeachers, undistilled, variants } = parseExperiment(
      {
        ...minimal,
        defaults: { negatives: 9, soft: { candidates: 30 } },
        teachers: [
          { model: "TransH" },
          { from: "runs/a/RotH" },
          { model: { name: "RefH", dim: 64 }, soft: { weight: 2 }, teachers: ["RotH", "TransH"] },
          { model: "RotH", name: "third", teachers: ["RefH"] },
        ],
        junior: { model: { dim: 16 }, teachers: ["third", "RefH"] },
        variants: { same: { model: { dim: 8 } }, all: { teachers: ["TransH", "RotH", "RefH", "third"] } },
      },
      "run.yaml",
    );
    expect(teachers[0]).not.toHaveProperty("teachers");
    expect(teachers.map((plan) => [plan.name, plan.teachers])).toEqual([
      ["TransH", undefined],
      ["RotH", undefined],
      ["RefH", [1, 0]],
      ["third", [2]],
    ]);
    expect(teachers[2]!.options).toMatchObject({
      model: { name: "RefH", dim: 64 },
      soft: { weight: 2, candidates: { k: 30 } },
      negatives: { count: 9 },
      seed: 3,
    });
    expect(juniorTeachers).toEqual([3, 2]);
    expect(variants.map((plan) => plan.teachers)).toEqual([
      [3, 2],
      [0, 1, 2, 3],
    ]);
    for (const options of [junior, undistilled, variants[0]!.options]) expect(options).not.toHaveProperty("teachers");
  });

  it("lets the twin differ where it says so, or leaves it out", () => {
    const differing = parseExperiment({ ...minimal, undistilled: { epochs: 5, loss: "crossEntropy" } });
    expect(differing.undistilled).toMatchObject({
      model: { dim: 16 },
      epochs: 5,
      loss: { name: "crossEntropy" },
    });
    expect(parseExperiment({ ...minimal, undistilled: false }).undistilled).toBeUndefined();
  });

  it("names every teacher apart, from each other and from the other stages", () => {
    const names = (teachers: unknown[]) => parseExperiment({ ...minimal, teachers }).teachers.map(({ name }) => name);
    expect(names([{ model: "RotH" }, { model: "RotH" }, { model: "TransH", name: "mine" }, {}])).toEqual([
      "RotH",
      "RotH-2",
      "mine",
      "RotH-3",
    ]);
    expect(names([{ name: "RotH-2" }, { model: "RotH" }, { model: "RotH" }])).toEqual(["RotH-2", "RotH", "RotH-3"]);
    expect(names([{ name: "distilled" }, { name: "undistilled" }])).toEqual(["distilled-2", "undistilled-2"]);
  });

  it.each<[string, unknown, string, RegExp]>([
    ["no object", 7, "", /^must be a map, but is 7/],
    ["nothing", {}, "data", /^is missing; it must be text/],
    ["no teachers", { ...minimal, teachers: [] }, "teachers", /./],
    ["no Junior", { ...minimal, junior: undefined }, "junior", /./],
    ["an unknown field", { ...minimal, students: {} }, "students", /no such option/],
    ["a misspelt field", { ...minimal, teacher: [] }, "teacher", /did you mean teachers\?$/],
    ["a name that is a path", { ...minimal, name: "../up" }, "name", /^must be letters/],
    [
      "a teacher's name that is a path",
      { ...minimal, teachers: [{ name: "a/b" }] },
      "teachers.0.name",
      /^must be letters/,
    ],
    ["a teacher's wrong option", { ...minimal, teachers: [{}, { model: { dim: 0 } }] }, "teachers.1.model.dim", />=1/],
    [
      "a teacher's misspelt option",
      { ...minimal, teachers: [{ epoch: 3 }] },
      "teachers.0.epoch",
      /did you mean epochs\?$/,
    ],
    ["a teacher's former option", { ...minimal, teachers: [{ dim: 3 }] }, "teachers.0.dim", /called model\.dim now/],
    ["a Junior's wrong option", { ...minimal, junior: { soft: { candidates: 0 } } }, "junior.soft.candidates.k", />=1/],
    ["a Junior's misspelt option", { ...minimal, junior: { lambda: 1 } }, "junior.lambda", /no such option/],
    ["a twin's wrong option", { ...minimal, undistilled: { soft: {} } }, "undistilled.soft", /no such option/],
    [
      "options for a teacher from a directory",
      { ...minimal, teachers: [{ from: "x", epochs: 8 }] },
      "teachers.0.epochs",
      /^a teacher from a directory has no options/,
    ],
    [
      "teachers for a teacher from a directory",
      { ...minimal, teachers: [{}, { from: "x", teachers: ["RotH"] }] },
      "teachers.1.teachers",
      /^a teacher from a directory has no options/,
    ],
    [
      "a teacher taught by one after it",
      { ...minimal, teachers: [{ teachers: ["big"] }, { name: "big" }] },
      "teachers.0.teachers",
      /^there is no "big" before it; the first teacher has none/,
    ],
    [
      "a teacher taught by itself",
      { ...minimal, teachers: [{}, { name: "big", teachers: ["big"] }] },
      "teachers.1.teachers",
      /^there is no "big" before it; choose from RotH\.$/,
    ],
    [
      "a taught teacher's misspelt option",
      { ...minimal, teachers: [{}, { teachers: ["RotH"], lambda: 1 }] },
      "teachers.1.lambda",
      /no such option/,
    ],
    [
      "a soft label's option for a teacher without teachers",
      { ...minimal, teachers: [{ soft: { candidates: 3 } }] },
      "teachers.0.soft",
      /no such option/,
    ],
    [
      "a Junior's unknown teacher",
      { ...minimal, junior: { teachers: ["none"] } },
      "junior.teachers",
      /"none" before it/,
    ],
    ["a misspelt default", { ...minimal, defaults: { epoch: 3 } }, "defaults.epoch", /did you mean epochs\?$/],
    ["a wrong default", { ...minimal, defaults: { soft: { weight: -1 } } }, "defaults.soft.weight", />=0/],
  ])("with %s is refused by the field's name", (_, input, path, reason) => {
    const refused = refusal(input);
    expect(refused.path).toBe(path);
    expect(refused.reason).toMatch(reason);
  });

  it("gives variants what the Junior has, less what they say, and teachers by name", () => {
    const { variants, junior } = parseExperiment(
      {
        ...minimal,
        defaults: { negatives: 9 },
        teachers: [{ model: "TransH" }, { model: "RotH", name: "big" }, { model: "RefH" }],
        junior: { model: { dim: 16 }, soft: { candidates: 40 } },
        undistilled: { epochs: 3 },
        variants: {
          "no-scaling": { senior: { scaling: "none" } },
          two: { teachers: ["RefH", "TransH"], model: { dim: 8 }, undistilled: true },
        },
      },
      "run.yaml",
    );
    expect(variants).toMatchObject([
      { name: "no-scaling", teachers: [0, 1, 2], undistilled: undefined },
      { name: "two", teachers: [2, 0], undistilled: { model: { dim: 8 }, epochs: 3, negatives: { count: 9 } } },
    ]);
    expect(variants[0]!.options).toEqual({ ...junior, senior: { ...junior.senior, scaling: "none" } });
    expect(variants[1]!.options).toEqual({ ...junior, model: { ...junior.model, dim: 8 } });
    expect(variants[1]!.undistilled).not.toHaveProperty("soft");
  });

  it("trains its models in one order: the teachers, then each Junior after its twin", () => {
    const whole = {
      ...minimal,
      teachers: [{ model: "TransH" }, { from: "runs/a/big" }],
      variants: { a: {}, b: { undistilled: true } },
    };
    expect(stageNames(parseExperiment(whole))).toEqual([
      "TransH",
      "big",
      "undistilled",
      "distilled",
      "a",
      "b-undistilled",
      "b",
    ]);
    expect(stageNames(parseExperiment({ ...minimal, undistilled: false }))).toEqual(["TransH", "distilled"]);
  });

  it.each<[unknown, string, RegExp]>([
    [{ variants: { x: { model: { dim: 0 } } } }, "variants.x.model.dim", />=1/],
    [{ variants: { x: { teachers: ["RotH"] } } }, "variants.x.teachers", /^there is no "RotH" before it; .*TransH/],
    [{ variants: { x: { teachers: [] } } }, "variants.x.teachers", /./],
    [{ variants: { "a b": {} } }, "variants.a b", /^must be letters/],
    [{ variants: { TransH: {} } }, "variants.TransH", /"TransH"; choose another/],
    [{ variants: { distilled: {} } }, "variants.distilled", /"distilled"; choose another/],
    [
      { teachers: [{ model: "TransH", name: "x-undistilled" }], variants: { x: { undistilled: true } } },
      "variants.x",
      /"x-undistilled"; choose another/,
    ],
  ])("names the variant that cannot be: %j", (over, path, reason) => {
    const refused = refusal({ ...minimal, ...(over as object) });
    expect(refused.path).toBe(path);
    expect(refused.reason).toMatch(reason);
  });

  it("has plain names for all that every object inherits", () => {
    expect(refusal({ ...minimal, junior: { constructor: 1 } })).toEqual({
      path: "junior.constructor",
      reason: "there is no such option; see mulde options.",
    });
  });
});
