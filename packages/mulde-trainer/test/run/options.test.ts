import { describe, expect, it } from "vitest";
import { distilSchema, merged, optionEntries, parseOptions, trainSchema } from "../../src/index.js";
import { failure } from "../_runs.js";

/** Options with one value at a dotted name. */
function at(name: string, value: unknown): unknown {
  return name.split(".").reduceRight((inner: unknown, key) => ({ [key]: inner }), value);
}

describe("the options", () => {
  it("default to what the recipes for WN18RR and FB15k-237 have in common", () => {
    expect(parseOptions(distilSchema, {})).toEqual({
      seed: 0,
      epochs: 30,
      batchSize: 256,
      model: { name: "RotH", dim: 32, curvature: "relation", initialCurvature: Math.log1p(Math.E), biases: true },
      optimizer: { name: "adam", learningRate: 0.004, weightDecay: 0, clipNorm: 0, sparse: false, averaging: 0 },
      schedule: { name: "cosine", warmup: 0.02 },
      loss: { name: "bce", adversarial: 1, margin: 1, smoothing: 0 },
      negatives: { count: 255, filter: false, bothEnds: 0 },
      rules: [],
      regularizer: { name: "none", weight: 0, dropout: 0 },
      validation: { every: 5, patience: 10, triples: 0 },
      soft: {
        weight: 1,
        temperature: 1,
        candidates: { source: "junior", k: 256, refresh: 1, known: true },
        queries: 0,
        confidence: 0,
        adaptFrom: 0,
      },
      senior: { normalization: "none", scaling: "relation", attention: "contrast", trainOnSoft: true },
    });
  });

  it("share their defaults between both kinds of training", () => {
    expect(parseOptions(distilSchema, {})).toMatchObject(parseOptions(trainSchema, {}));
  });

  it("each have a description and a default", () => {
    for (const schema of [trainSchema, distilSchema]) {
      for (const { name, description, default: value } of optionEntries(schema)) {
        expect(description, name).toMatch(/\w.*[^.]$/);
        expect(value, name).not.toBeUndefined();
      }
    }
  });

  it.each<[string, unknown]>([
    ["seed", -1],
    ["epochs", 0],
    ["batchSize", "500"],
    ["model.name", 3],
    ["model.dim", 0],
    ["model.dim", 2.5],
    ["model.dim", 1025],
    ["model.curvature", "both"],
    ["model.initialCurvature", 0],
    ["model.biases", 1],
    ["optimizer.name", "sgd"],
    ["optimizer.learningRate", 0],
    ["optimizer.learningRate", Infinity],
    ["optimizer.weightDecay", -1],
    ["optimizer.clipNorm", -1],
    ["optimizer.sparse", 1],
    ["optimizer.averaging", 1],
    ["schedule.name", "linear"],
    ["schedule.warmup", 1.5],
    ["loss.name", "hinge"],
    ["loss.adversarial", NaN],
    ["loss.margin", 0],
    ["loss.smoothing", 1],
    ["negatives.count", 0],
    ["negatives.filter", "yes"],
    ["negatives.bothEnds", 65],
    ["rules.0", "tails"],
    ["rules.0.functional", { functional: 0 }],
    ["regularizer.name", "L1"],
    ["regularizer.weight", -1],
    ["regularizer.dropout", 1],
    ["validation.every", 0],
    ["validation.patience", 0],
    ["validation.triples", -1],
  ])("%s: %j is refused by name", (name, value) => {
    const [noun] = name.split(".");
    const input = noun === "rules" ? { rules: [value] } : at(name, value);
    for (const schema of [trainSchema, distilSchema]) {
      const place = { file: "run.yaml", path: ["junior"] };
      const { code, file, path, reason, message } = failure(() => parseOptions(schema, input, place));
      expect(code).toBe("TRAINER_OPTION");
      expect([file, path.join(".")]).toEqual(["run.yaml", `junior.${name}`]);
      expect(reason).toMatch(/.+[^.]\.$/);
      expect(message).toBe(`run.yaml, junior.${name}: ${reason}`);
    }
  });

  it.each<[string, unknown]>([
    ["soft.weight", -0.1],
    ["soft.temperature", 0],
    ["soft.candidates.source", "teacher"],
    ["soft.candidates.k", 0],
    ["soft.candidates.refresh", 0],
    ["soft.candidates.known", 1],
    ["soft.queries", 17],
    ["soft.confidence", -1],
    ["soft.adaptFrom", 0.5],
    ["senior.normalization", "minmax"],
    ["senior.scaling", true],
    ["senior.attention", "none"],
    ["senior.trainOnSoft", "yes"],
  ])("%s: %j is refused by name in distillation", (name, value) => {
    const { code, path, value: told } = failure(() => parseOptions(distilSchema, at(name, value)));
    expect([code, path.join(".")]).toEqual(["TRAINER_OPTION", name]);
    expect(told).toBe(value);
  });

  it("are the same after they were filled in once", () => {
    const once = parseOptions(distilSchema, { model: "TransE", negatives: 9, rules: [{ functional: 1.1 }] });
    expect(parseOptions(distilSchema, once)).toEqual(once);
    expect(parseOptions(distilSchema, merged(once, {}))).toEqual(once);
  });
});
