import { tripleList } from "@mulde/datasets";
import { evaluate } from "@mulde/eval";
import { createModel, modelScorer, type KgeModel } from "@mulde/kge-models";
import { beforeAll, describe, expect, it } from "vitest";
import { prepareData } from "../../src/facts/data.js";
import { streamSeed } from "../../src/run/streams.js";
import { Validation } from "../../src/run/validation.js";
import { lively } from "../_models.js";
import { ring } from "../_planted.js";
import { softplus } from "../_reference.js";

const dataset = ring();
const data = prepareData(dataset);
const options = ({ seed = 1, triples = 0 } = {}) => ({ seed, validation: { every: 1, patience: 1, triples } });
let model: KgeModel;
beforeAll(async () => {
  model = await createModel({ model: "RotE", dim: 4, entities: data.entities, relations: data.relations, seed: 8 });
});

describe("a validation", () => {
  it("ranks the validation split in both directions, filtered by all splits", async () => {
    const metrics = await new Validation(data, options()).metrics(model);
    const { valid: triples } = dataset;
    const expected = await evaluate(modelScorer(model), { triples, numRelations: 4, known: data.known });
    expect(metrics).toEqual({ mrr: expected.mrr, mr: expected.mr, hits: expected.hits });
    expect(expected.ranks).toBe(2 * triples.length);
  });

  it("ranks a seeded part of it when told to", async () => {
    const seen: number[][] = [];
    const spy = Object.create(model, {
      inference: {
        value: {
          rank: (
            queries: { heads: Int32Array; targets: Int32Array },
            out: { greater: Int32Array; equal: Int32Array },
          ) => {
            seen.push([...queries.heads, ...queries.targets]);
            out.greater.fill(0);
            out.equal.fill(0);
          },
        },
      },
    }) as KgeModel;
    const part = options({ triples: 4 });
    const counts = [];
    for (const each of [part, part, options({ seed: 2, triples: 4 }), options({ triples: 1000 })]) {
      seen.length = 0;
      await new Validation(data, each).metrics(spy);
      counts.push(seen.flat());
    }
    expect(counts.map((ids) => ids.length)).toEqual([16, 16, 16, 4 * dataset.valid.length]);
    expect(counts[1]).toEqual(counts[0]);
    expect(counts[2]).not.toEqual(counts[0]);
  });

  it("has the same loss in blocks as in one piece", async () => {
    // Three blocks, the last one shorter.
    const n = 2500;
    const entities = 700;
    const column = (of: (i: number) => number): Int32Array => Int32Array.from({ length: n }, (_, i) => of(i));
    const valid = tripleList(
      column((i) => i % entities),
      column((i) => i % 4),
      column((i) => (7 * i + 3) % entities),
    );
    const large = prepareData({
      entities: { size: entities },
      relations: { size: 4 },
      train: valid,
      valid,
      test: valid,
    });
    const own = await lively({ model: "TransE", dim: 4, entities, relations: 4 });
    const { kernels } = own;
    const K = 256;
    const { heads, relations, tails } = valid;
    const ids = new Int32Array(n * K);
    const seed = streamSeed(1, "validationNegatives");
    kernels.sampleCandidates({ batch: n, negatives: K - 1, entities, seed, counter: 0 }, tails, ids);
    const scores = new Float32Array(n * K);
    own.inference.score(heads, relations, ids, scores);
    const weight = 1 / (n * K);
    const weights = { positiveWeight: weight, negativeWeight: weight, adversarial: 0 };
    const whole = kernels.bce(n, K, scores, weights, scores);
    expect(whole).toBeGreaterThan(0.1);
    expect(Math.abs(new Validation(large, options()).loss(own) - whole)).toBeLessThan(1e-12);
    // A part of it alone is another figure.
    expect(Math.abs(new Validation(large, options({ triples: 1024 })).loss(own) - whole)).toBeGreaterThan(1e-6);
    own.dispose();
  });

  it("has the same negatives every time, and the mean binary cross-entropy as its loss", () => {
    const validation = new Validation(data, options());
    const loss = validation.loss(model);
    expect(validation.loss(model)).toBe(loss);
    expect(new Validation(data, options({ seed: 2 })).loss(model)).not.toBe(loss);
    // Embeddings near 0 make every score nearly 0, so that every term is log 2.
    expect(loss).toBeCloseTo(Math.LN2, 4);
    // With a tail bias of 3 everywhere the positives lose and the 255 negatives of each gain.
    model.table("tailBias").data.fill(3);
    model.touch();
    expect(validation.loss(model)).toBeCloseTo((softplus(-3) + 255 * softplus(3)) / 256, 4);
  });
});
