import { describe, expect, it } from "vitest";
import { Random, rowStride } from "../src/index.js";
import type { Kernels } from "../src/index.js";
import { cached } from "./_batches.js";
import { onEveryEngine } from "./_engines.js";
import {
  addEncoderGradients,
  addRow,
  encoderGradients,
  expectedGradients,
  gradientErrors,
  zeroGradients,
} from "./_gradients.js";
import type { Batch, Expected, Gradients } from "./_gradients.js";
import { encodeQueries, entityPoints, ints, query, randomModel, scoreOf, tables } from "./_model.js";
import type { Model } from "./_model.js";
import { logSumExp } from "./_reference.js";

interface Reference {
  readonly loss: number;
  readonly gradients: readonly Expected[];
}

/** Cross-entropy is linear in the scores to first order, with dL/ds = weight (softmax - one-hot): the linear functional's test serves. */
function byReference(model: Model, batch: Batch, targets: readonly number[], weight: number): Reference {
  let loss = 0;
  const gradScores = batch.heads.flatMap((h, b) => {
    const r = batch.relations[b]!;
    const q = query(model, h, r);
    const scores = Float64Array.from({ length: model.entities }, (_, e) => scoreOf(model, q, h, r, e));
    const lse = logSumExp(scores);
    loss += weight * (lse - scores[targets[b]!]!);
    return Array.from(scores, (s, e) => weight * (Math.exp(s - lse) - (e === targets[b] ? 1 : 0)));
  });
  return { loss, gradients: expectedGradients(model, { ...batch, gradScores }, 16) };
}

function byKernels(
  k: Kernels,
  model: Model,
  batch: Batch,
  targets: readonly number[],
  weight: number,
): { loss: number; gradients: Gradients } {
  const { dim, entities } = model;
  const B = batch.heads.length;
  const t = tables(k, model);
  const queries = encodeQueries(k, model, t, ints(k, batch.heads), ints(k, batch.relations));
  const points = entityPoints(k, model, t, null, true);
  const dq = k.engine.float32(B * rowStride(dim));
  const dc = k.engine.float64(B);
  const gradient = k.engine.float32(entities * dim);
  const tailBias = k.engine.float32(entities);
  const out = { dq, dc, gradient, tailBias };
  const { loss, dSqrtC } = k.allCrossEntropy(
    model.similarity,
    queries,
    points,
    ints(k, targets),
    weight,
    t.entity,
    model.c[0]!,
    out,
  );
  const rows = encoderGradients(k, model, t, batch, queries, dq);
  const gradients = zeroGradients(model);
  gradients.entity.set(gradient);
  gradients.tailBias.set(tailBias);
  batch.heads.forEach((h, b) => addRow(gradients.entity, dim, h, rows.head, b));
  addEncoderGradients(gradients, model, batch, rows, dc);
  if (model.similarity === "hyperbolic") gradients.c[0]! += dSqrtC / (2 * Math.sqrt(model.c[0]!));
  return { loss, gradients };
}

const reference = cached<Reference>();

onEveryEngine((kernels) => {
  describe.each([
    ["DistE", "dot"],
    ["AttE", "euclidean"],
    ["TransH", "hyperbolic"],
    ["RotH", "hyperbolic"],
    ["RefH", "relationHyperbolic"],
    ["RotH", "relationHyperbolic"],
  ] as const)("allCrossEntropy of %s, %s", (encoder, similarity) => {
    it.each([
      [1, 1, 2, 1, 1],
      [3, 47, 6, 0.3, 1.5],
      [5, 49, 34, 3, 2],
      [66, 130, 8, 1, 1],
      [3, 1000, 8, 1.3, 3],
    ])("loss and gradients for B = %i, N = %i, d = %i, c = %d, radius %d", (B, entities, dim, curvature, radius) => {
      const model = randomModel({
        encoder,
        similarity,
        dim,
        entities,
        relations: 4,
        curvature,
        radius,
        seed: B + entities,
      });
      const random = new Random(B);
      const draw = (n: number) => Array.from({ length: B }, () => random.uint32() % n);
      const batch: Batch = {
        heads: draw(entities),
        relations: draw(4),
        candidates: Array.from({ length: B * entities }, (_, i) => i % entities),
        K: entities,
        gradScores: [],
      };
      const targets = draw(entities);
      targets[0] = batch.heads[0]!;
      const expected = reference(JSON.stringify([encoder, similarity, B, entities]), () =>
        byReference(model, batch, targets, 1 / B),
      );
      const { loss, gradients } = byKernels(kernels(), model, batch, targets, 1 / B);
      // scores are good to some 1e-6 of their size, and a loss is a difference of two
      expect(Math.abs(loss - expected.loss)).toBeLessThan(1e-5 * (1 + expected.loss));
      // a constant of the query does not change a softmax
      gradients.headBias.fill(0);
      for (const [table, error] of Object.entries(
        gradientErrors(
          model,
          expected.gradients.filter((g) => g.table !== "headBias"),
          gradients,
        ),
      )) {
        // With one entity every gradient is nothing but rounding. Else: sums in product form, f q - sum w p, cancel a digit or two.
        if (entities > 1) expect(error, table).toBeLessThan(2e-5);
      }
    });
  });

  it("has a NaN loss when a score is NaN", () => {
    const model = randomModel({
      encoder: "RotH",
      similarity: "hyperbolic",
      dim: 4,
      entities: 20,
      relations: 2,
      curvature: 1,
      radius: 1,
      seed: 1,
    });
    model.entity[50] = NaN;
    const batch: Batch = { heads: [1], relations: [0], candidates: [], K: 0, gradScores: [] };
    expect(byKernels(kernels(), model, batch, [3], 1).loss).toBeNaN();
  });
});
