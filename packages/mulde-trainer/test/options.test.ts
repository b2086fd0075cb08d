import { describe, expect, it } from "vitest";
import { type DistilInput, distilSchema, MuldeError, parseOptions, trainSchema } from "../src/index.js";

function failure(run: () => unknown): MuldeError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(MuldeError);
    return error as MuldeError;
  }
  throw new Error("nothing was thrown");
}

describe("the options", () => {
  it("default to what the recipes for WN18RR and FB15k-237 have in common", () => {
    expect(parseOptions(distilSchema, {}, "here")).toEqual({
      model: "RotH",
      dim: 32,
      curvature: "relation",
      initialCurvature: Math.log1p(Math.E),
      seed: 0,
      epochs: 30,
      batchSize: 256,
      learningRate: 0.004,
      optimizer: "adam",
      sparse: false,
      weightDecay: 0,
      clipNorm: 0,
      schedule: "cosine",
      warmup: 0.02,
      averaging: 0,
      biases: true,
      loss: "bce",
      margin: 1,
      labelSmoothing: 0,
      negatives: 255,
      negativeSampling: "uniform",
      filterNegatives: false,
      filterCandidates: false,
      headNegative: false,
      neighbourNegative: false,
      doubleNegatives: 0,
      shareNegatives: false,
      adversarial: 1,
      regularizer: "none",
      regularizerWeight: 0,
      relationWeight: 1,
      dropout: 0,
      validateEvery: 5,
      patience: 10,
      validationTriples: 0,
      topK: 256,
      candidates: "junior",
      functional: 0,
      refreshTopK: 1,
      unseenQueries: 0,
      softWeight: 1,
      temperature: 1,
      normalization: "none",
      scaling: "relation",
      attention: "contrast",
      confidence: 0,
      adaptFrom: 0,
      trainOnSoft: true,
    });
  });

  it("share their defaults between both kinds of training", () => {
    expect(parseOptions(distilSchema, {}, "here")).toMatchObject(parseOptions(trainSchema, {}, "here"));
  });

  it("describe every field and give it a default", () => {
    for (const [name, field] of [...Object.entries(trainSchema.shape), ...Object.entries(distilSchema.shape)]) {
      expect(field.description, name).toMatch(/\w.*[^.]$/);
      expect(field.parse(undefined), name).not.toBeUndefined();
    }
  });

  it.each<[string, unknown]>([
    ["model", 3],
    ["dim", 0],
    ["dim", 2.5],
    ["dim", 1025],
    ["curvature", "both"],
    ["initialCurvature", 0],
    ["seed", -1],
    ["epochs", 0],
    ["batchSize", "500"],
    ["learningRate", 0],
    ["learningRate", Infinity],
    ["optimizer", "sgd"],
    ["sparse", 1],
    ["weightDecay", -1],
    ["schedule", "linear"],
    ["warmup", 1.5],
    ["negatives", 0],
    ["adversarial", NaN],
    ["loss", "hinge"],
    ["margin", 0],
    ["labelSmoothing", 1],
    ["clipNorm", -1],
    ["negativeSampling", "typed"],
    ["filterNegatives", "yes"],
    ["shareNegatives", 1],
    ["regularizer", "L1"],
    ["regularizerWeight", -1],
    ["relationWeight", -1],
    ["dropout", 1],
    ["validateEvery", 0],
    ["patience", 0],
    ["validationTriples", -1],
  ])("%s: %j is refused by name", (field, value) => {
    for (const schema of [trainSchema, distilSchema]) {
      const { code, message } = failure(() => parseOptions(schema, { [field]: value }, "run.yaml, junior"));
      expect(code).toBe("TRAINER_OPTION");
      expect(message).toMatch(new RegExp(`^run\\.yaml, junior, ${field}: .+\\.$`));
    }
  });

  it.each<[string, unknown]>([
    ["topK", 0],
    ["candidates", "teacher"],
    ["softWeight", -0.1],
    ["temperature", 0],
    ["scaling", true],
    ["normalization", "minmax"],
    ["confidence", -1],
    ["attention", "none"],
    ["trainOnSoft", "yes"],
  ])("%s: %j is refused by name in distillation", (field, value) => {
    const { code, message } = failure(() => parseOptions(distilSchema, { [field]: value }, "here"));
    expect(code).toBe("TRAINER_OPTION");
    expect(message).toContain(`here, ${field}: `);
  });

  it("refuse a misspelt name, and one that only distillation knows", () => {
    expect(failure(() => parseOptions(trainSchema, { lerningRate: 1 }, "here")).message).toContain("lerningRate");
    expect(failure(() => parseOptions(trainSchema, { topK: 1 }, "here")).message).toContain("topK");
  });

  it.each<[string, DistilInput, RegExp]>([
    ["model", { model: "RotX" }, /no model "RotX"; known are TransE/],
    ["dim", { model: "QuatE", dim: 6 }, /multiple of 4, but is 6/],
    ["dim", { model: "TuckER", dim: 1000 }, /for TuckER, but is 1000/],
    ["regularizer", { model: "RotH", regularizer: "DURA" }, /RotH is hyperbolic; choose N3 or F2/],
    ["doubleNegatives", { doubleNegatives: 1, loss: "margin" }, /which margin cannot do without; .*choose loss bce/],
    ["candidates", { candidates: "sampled", loss: "1vsAll" }, /loss is 1vsAll; choose junior, random or all/],
    ["unseenQueries", { unseenQueries: 1, loss: "KvsAll" }, /loss is KvsAll; leave it out/],
    ["unseenQueries", { unseenQueries: 1, candidates: "random" }, /candidates is random; choose junior/],
    ["filterCandidates", { filterCandidates: true, candidates: "all" }, /candidates is all; choose junior/],
    ["filterCandidates", { filterCandidates: true }, /scaling is relation; choose none/],
    ["confidence", { confidence: 1, loss: "KvsAllSoftmax" }, /loss is KvsAllSoftmax; leave it out/],
  ])("%s that does not go with the rest is refused: %j", (field, input, reason) => {
    const { code, message } = failure(() => parseOptions(distilSchema, input, "run.yaml, junior"));
    expect(code).toBe("TRAINER_OPTION");
    expect(message).toMatch(new RegExp(`^run\\.yaml, junior, ${field}: [^]+[^.]\\.$`));
    expect(message).toMatch(reason);
  });

  it("go together where each loss has what the option needs", () => {
    for (const loss of ["bce", "crossEntropy", "margin"] as const) {
      const input = { loss, candidates: "junior", unseenQueries: 1, confidence: 1 } as const;
      expect(parseOptions(distilSchema, input, "here")).toMatchObject(input);
      expect(parseOptions(distilSchema, { loss, candidates: "sampled" }, "here")).toMatchObject({ loss });
    }
    const bilinear = { model: "ComplEx", dim: 6, regularizer: "DURA" } as const;
    expect(parseOptions(trainSchema, bilinear, "here")).toMatchObject(bilinear);
  });

  it("must be an object", () => {
    expect(failure(() => parseOptions(trainSchema, "fast", "here"))).toMatchObject({ code: "TRAINER_OPTION" });
  });
});
