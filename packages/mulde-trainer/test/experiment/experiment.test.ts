import { describe, expect, it } from "vitest";
import { MuldeError, parseExperiment } from "../../src/index.js";

const minimal = { data: "toy", teachers: [{ model: "TransH" }], junior: { dim: 16 } };

function message(input: unknown): string {
  try {
    parseExperiment(input, "run.yaml");
  } catch (error) {
    expect(error).toBeInstanceOf(MuldeError);
    expect((error as MuldeError).code).toBe("TRAINER_OPTION");
    return (error as MuldeError).message;
  }
  throw new Error("nothing was thrown");
}

describe("an experiment", () => {
  it("needs data, a teacher and a Junior; the rest has defaults", () => {
    const { name, data, seed, teachers, junior, undistilled } = parseExperiment(minimal, "run.yaml");
    expect({ name, data, seed }).toEqual({ name: "experiment", data: "toy", seed: 0 });
    expect(teachers).toHaveLength(1);
    expect(teachers[0]).toMatchObject({ name: "TransH", options: { model: "TransH", dim: 32, seed: 1, epochs: 30 } });
    expect(junior).toMatchObject({ model: "RotH", dim: 16, seed: 0, topK: 256 });
    expect(undistilled).toMatchObject({ model: "RotH", dim: 16, seed: 0, loss: "bce" });
  });

  it("puts `defaults` under every section, and each section's own options above", () => {
    const { teachers, junior, undistilled } = parseExperiment(
      {
        data: "toy",
        seed: 10,
        defaults: { epochs: 7, batchSize: 100, topK: 50, loss: "crossEntropy", learningRate: 0.01 },
        teachers: [{ model: "TransH", epochs: 9 }, { model: "RotH" }],
        junior: { dim: 16, learningRate: 0.02 },
      },
      "run.yaml",
    );
    expect(teachers.map(({ options }) => options)).toMatchObject([
      { seed: 11, epochs: 9, batchSize: 100, loss: "crossEntropy", learningRate: 0.01 },
      { seed: 12, epochs: 7, batchSize: 100, loss: "crossEntropy", learningRate: 0.01 },
    ]);
    expect(teachers[0]!.options).not.toHaveProperty("topK");
    expect(junior).toMatchObject({ seed: 10, epochs: 7, batchSize: 100, topK: 50, learningRate: 0.02 });
    expect(junior).toHaveProperty("loss", "crossEntropy");
    expect(undistilled).toMatchObject({ seed: 10, epochs: 7, loss: "crossEntropy", learningRate: 0.02 });
  });

  it("gives the undistilled twin the Junior's whole budget, and its hard loss", () => {
    const { junior, undistilled } = parseExperiment(
      {
        data: "toy",
        defaults: { loss: "1vsAll", epochs: 30, negatives: 20, validateEvery: 3, patience: 4, schedule: "cosine" },
        teachers: [{ model: "TransH" }],
        junior: {
          loss: "margin",
          model: "RefH",
          dim: 8,
          epochs: 12,
          batchSize: 64,
          warmup: 0.1,
          softWeight: 0.1,
          topK: 10,
        },
      },
      "run.yaml",
    );
    expect(undistilled).toHaveProperty("loss", "margin");
    expect(junior).toMatchObject(undistilled!);
  });

  it("names a teacher from a directory by it", () => {
    const teachers = [{ from: "runs/a/RotH" }, { from: "runs/b/RotH" }, { from: "runs/c/RotH/", name: "c" }];
    expect(parseExperiment({ ...minimal, teachers }, "run.yaml").teachers).toEqual([
      { name: "RotH", from: "runs/a/RotH" },
      { name: "RotH-2", from: "runs/b/RotH" },
      { name: "c", from: "runs/c/RotH/" },
    ]);
  });

  it("lets teachers teach later ones, and the Junior choose among all", () => {
    const { teachers, junior, juniorTeachers, undistilled, variants } = parseExperiment(
      {
        ...minimal,
        defaults: { negatives: 9, topK: 30 },
        teachers: [
          { model: "TransH" },
          { from: "runs/a/RotH" },
          { model: "RefH", dim: 64, softWeight: 2, teachers: ["RotH", "TransH"] },
          { model: "RotH", name: "third", teachers: ["RefH"] },
        ],
        junior: { dim: 16, teachers: ["third", "RefH"] },
        variants: { same: { dim: 8 }, all: { teachers: ["TransH", "RotH", "RefH", "third"] } },
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
      model: "RefH",
      dim: 64,
      softWeight: 2,
      topK: 30,
      negatives: 9,
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
    const differing = parseExperiment({ ...minimal, undistilled: { epochs: 5, loss: "crossEntropy" } }, "run.yaml");
    expect(differing.undistilled).toMatchObject({ dim: 16, epochs: 5, loss: "crossEntropy" });
    expect(parseExperiment({ ...minimal, undistilled: false }, "run.yaml").undistilled).toBeUndefined();
  });

  it("names every teacher apart, from each other and from the other stages", () => {
    const names = (teachers: unknown[]) =>
      parseExperiment({ ...minimal, teachers }, "run.yaml").teachers.map(({ name }) => name);
    expect(names([{ model: "RotH" }, { model: "RotH" }, { model: "TransH", name: "mine" }, {}])).toEqual([
      "RotH",
      "RotH-2",
      "mine",
      "RotH-3",
    ]);
    expect(names([{ name: "RotH-2" }, { model: "RotH" }, { model: "RotH" }])).toEqual(["RotH-2", "RotH", "RotH-3"]);
    expect(names([{ name: "distilled" }, { name: "undistilled" }])).toEqual(["distilled-2", "undistilled-2"]);
  });

  it.each<[string, unknown, RegExp]>([
    ["no object", 7, /^run\.yaml: /],
    ["nothing", {}, /^run\.yaml, data: /],
    ["no teachers", { ...minimal, teachers: [] }, /^run\.yaml, teachers: /],
    ["no Junior", { ...minimal, junior: undefined }, /^run\.yaml, junior: /],
    ["an unknown field", { ...minimal, student: {} }, /student/],
    ["a name that is a path", { ...minimal, name: "../up" }, /^run\.yaml, name: must be letters/],
    ["a teacher's name that is a path", { ...minimal, teachers: [{ name: "a/b" }] }, /^run\.yaml, teachers\.0\.name: /],
    ["a teacher's wrong option", { ...minimal, teachers: [{}, { dim: 0 }] }, /^run\.yaml, teachers\.1, dim: /],
    ["a teacher's misspelt option", { ...minimal, teachers: [{ epoch: 3 }] }, /^run\.yaml, teachers\.0: .*epoch/],
    ["a Junior's wrong option", { ...minimal, junior: { topK: 0 } }, /^run\.yaml, junior, topK: /],
    ["a Junior's misspelt option", { ...minimal, junior: { lambda: 1 } }, /^run\.yaml, junior: .*lambda/],
    ["a twin's wrong option", { ...minimal, undistilled: { topK: 3 } }, /^run\.yaml, undistilled: .*topK/],
    [
      "options for a teacher from a directory",
      { ...minimal, teachers: [{ from: "x", dim: 8 }] },
      /^run\.yaml, teachers\.0, dim: a teacher from a directory/,
    ],
    [
      "teachers for a teacher from a directory",
      { ...minimal, teachers: [{}, { from: "x", teachers: ["RotH"] }] },
      /^run\.yaml, teachers\.1, teachers: a teacher from a directory/,
    ],
    [
      "a teacher taught by one after it",
      { ...minimal, teachers: [{ teachers: ["big"] }, { name: "big" }] },
      /^run\.yaml, teachers\.0, teachers: there is no "big" before it; the first teacher has none/,
    ],
    [
      "a teacher taught by itself",
      { ...minimal, teachers: [{}, { name: "big", teachers: ["big"] }] },
      /^run\.yaml, teachers\.1, teachers: there is no "big" before it; choose from RotH\.$/,
    ],
    [
      "a taught teacher's misspelt option",
      { ...minimal, teachers: [{}, { teachers: ["RotH"], lambda: 1 }] },
      /teachers\.1: .*lambda/,
    ],
    ["a soft label's option for one without teachers", { ...minimal, teachers: [{ topK: 3 }] }, /teachers\.0: .*topK/],
    [
      "a Junior's unknown teacher",
      { ...minimal, junior: { teachers: ["none"] } },
      /junior, teachers: there is no "none" before it/,
    ],
    ["a misspelt default", { ...minimal, defaults: { epoch: 3 } }, /epoch/],
  ])("with %s is refused by the field's name", (_, input, expected) => {
    expect(message(input)).toMatch(expected);
  });

  it("gives variants what the Junior has, less what they say, and teachers by name", () => {
    const { variants, junior } = parseExperiment(
      {
        ...minimal,
        defaults: { negatives: 9 },
        teachers: [{ model: "TransH" }, { model: "RotH", name: "big" }, { model: "RefH" }],
        junior: { dim: 16, topK: 40 },
        undistilled: { epochs: 3 },
        variants: {
          "no-scaling": { scaling: "none" },
          two: { teachers: ["RefH", "TransH"], dim: 8, undistilled: true },
        },
      },
      "run.yaml",
    );
    expect(variants).toMatchObject([
      { name: "no-scaling", teachers: [0, 1, 2], undistilled: undefined },
      { name: "two", teachers: [2, 0], undistilled: { dim: 8, epochs: 3, negatives: 9 } },
    ]);
    expect(variants[0]!.options).toEqual({ ...junior, scaling: "none" });
    expect(variants[1]!.options).toEqual({ ...junior, dim: 8 });
    expect(variants[1]!.undistilled).not.toHaveProperty("topK");
  });

  it.each([
    [{ variants: { x: { dim: 0 } } }, /run.yaml, variants.x, dim/],
    [
      { variants: { x: { teachers: ["RotH"] } } },
      /run.yaml, variants.x, teachers: there is no "RotH" before it; .*TransH/,
    ],
    [{ variants: { x: { teachers: [] } } }, /run.yaml, variants.x.teachers/],
    [{ variants: { "a b": {} } }, /run.yaml, variants.a b: must be letters/],
    [{ variants: { TransH: {} } }, /run.yaml, variants.TransH: .* "TransH"; choose another/],
    [{ variants: { distilled: {} } }, /run.yaml, variants.distilled: .* "distilled"; choose another/],
    [
      { teachers: [{ model: "TransH", name: "x-undistilled" }], variants: { x: { undistilled: true } } },
      /run.yaml, variants.x: .* "x-undistilled"; choose another/,
    ],
  ])("names the variant that cannot be: %o", (over, expected) => {
    expect(message({ ...minimal, ...over })).toMatch(expected);
  });
});
