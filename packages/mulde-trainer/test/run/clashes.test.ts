import { createModel } from "@mulde/kge-models";
import { describe, expect, it } from "vitest";
import { type DistilInput, distilSchema, parseOptions, trainSchema } from "../../src/index.js";
import { checkOptions } from "../../src/run/clashes.js";
import { failure } from "../_runs.js";

describe("options that do not go together", () => {
  it.each<[string, DistilInput, RegExp]>([
    ["model.name", { model: "RotX" }, /no model "RotX"; known are TransE/],
    ["model.dim", { model: { name: "QuatE", dim: 6 } }, /multiple of 4, but is 6/],
    ["model.dim", { model: { name: "TuckER", dim: 1000 } }, /for TuckER, but is 1000/],
    ["model.dim", { model: { dim: 7 } }, /must be even/],
    ["regularizer.name", { model: "RotH", regularizer: "DURA" }, /RotH is hyperbolic; choose N3 or F2/],
    ["negatives.bothEnds", { negatives: { bothEnds: 1 }, loss: "margin" }, /which margin needs; .*choose the loss bce/],
    ["negatives.bothEnds", { negatives: { bothEnds: 1 }, loss: "KvsAll" }, /which KvsAll needs/],
    [
      "soft.candidates.source",
      { soft: { candidates: "sampled" }, loss: "1vsAll" },
      /1vsAll; choose junior, random or all/,
    ],
    ["soft.queries", { soft: { queries: 1 }, loss: "KvsAll" }, /loss is KvsAll; leave it out/],
    ["soft.queries", { soft: { queries: 1, candidates: "random" } }, /source is random; choose junior/],
    [
      "soft.candidates.known",
      { soft: { candidates: { known: false, source: "all" } } },
      /source is all; choose junior/,
    ],
    ["soft.candidates.known", { soft: { candidates: { known: false } } }, /choose senior\.scaling none/],
    ["soft.confidence", { soft: { confidence: 1 }, loss: "KvsAllSoftmax" }, /loss is KvsAllSoftmax; leave it out/],
  ])("are refused by the name of one: %s in %j", (name, input, reason) => {
    const place = { file: "run.yaml", path: ["junior"] };
    const error = failure(() => parseOptions(distilSchema, input, place));
    expect([error.code, error.file, error.path.join(".")]).toEqual(["TRAINER_OPTION", "run.yaml", `junior.${name}`]);
    expect(error.reason).toMatch(/[^.]\.$/);
    expect(error.reason).toMatch(reason);
  });

  it("are taken where each loss has what the option needs", () => {
    for (const loss of ["bce", "crossEntropy", "margin"] as const) {
      const input = { loss, soft: { candidates: "junior", queries: 1, confidence: 1 } };
      expect(parseOptions(distilSchema, input)).toMatchObject({ loss: { name: loss }, soft: { queries: 1 } });
      expect(parseOptions(distilSchema, { loss, soft: { candidates: "sampled" } })).toMatchObject({
        loss: { name: loss },
      });
    }
    const bilinear = { model: { name: "ComplEx", dim: 6 }, regularizer: { name: "DURA" } };
    expect(parseOptions(trainSchema, bilinear)).toMatchObject(bilinear);
    const withoutKnown = { soft: { candidates: { known: false }, adaptFrom: 2 }, senior: { scaling: "none" } };
    expect(parseOptions(distilSchema, withoutKnown)).toMatchObject(withoutKnown);
  });

  it("are looked for again with the model at hand, whatever the options call it", async () => {
    const { config } = await createModel({ model: "RotH", dim: 4, entities: 3, relations: 1 });
    const options = parseOptions(trainSchema, { model: { name: "TransE", dim: 4 }, regularizer: "DURA" });
    expect(failure(() => checkOptions(options, config))).toMatchObject({
      code: "TRAINER_OPTION",
      path: ["regularizer", "name"],
    });
    expect(() => checkOptions({ ...options, regularizer: { name: "N3" } }, config)).not.toThrow();
  });
});
