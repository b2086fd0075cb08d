import { describe, expect, it } from "vitest";
import { Random, rowStride } from "../src/index.js";
import type { AllLossOptions, Kernels } from "../src/index.js";
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

/** The true answers of each query, ascending. */
type Answers = readonly (readonly number[])[];

const soft = (weight: number): AllLossOptions => ({ kind: "softmax", weight, smoothing: 0 });

/** A loss is linear in the scores to first order, with dL/ds = weight (p - y): the linear functional's test serves. */
function byReference(model: Model, batch: Batch, answers: Answers, options: AllLossOptions): Reference {
  const { kind, weight, smoothing } = options;
  let loss = 0;
  const gradScores = batch.heads.flatMap((h, b) => {
    const r = batch.relations[b]!;
    const q = query(model, h, r);
    const scores = Float64Array.from({ length: model.entities }, (_, e) => scoreOf(model, q, h, r, e));
    const lse = logSumExp(scores);
    const share = kind === "softmax" ? 1 / answers[b]!.length : 1;
    return Array.from(scores, (s, e) => {
      const y = (1 - smoothing) * (answers[b]!.includes(e) ? share : 0) + smoothing / model.entities;
      const softplus = Math.max(s, 0) + Math.log1p(Math.exp(-Math.abs(s)));
      loss += weight * (kind === "softmax" ? y * (lse - s) : softplus - y * s);
      return weight * ((kind === "softmax" ? Math.exp(s - lse) : 1 / (1 + Math.exp(-s))) - y);
    });
  });
  return { loss, gradients: expectedGradients(model, { ...batch, gradScores }, 16) };
}

function byKernels(
  k: Kernels,
  model: Model,
  batch: Batch,
  answers: Answers,
  options: AllLossOptions,
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
  const dHeadBias = k.engine.float32(B);
  const out = { dq, dc, dHeadBias, gradient, tailBias };
  const offsets = answers.reduce((all, ids) => [...all, all.at(-1)! + ids.length], [0]);
  const { loss, dSqrtC } = k.allLoss(
    model.similarity,
    queries,
    points,
    { offsets: ints(k, offsets), ids: ints(k, answers.flat()) },
    options,
    t.entity,
    model.c[0]!,
    out,
  );
  const rows = encoderGradients(k, model, t, batch, queries, dq);
  const gradients = zeroGradients(model);
  gradients.entity.set(gradient);
  gradients.tailBias.set(tailBias);
  batch.heads.forEach((h, b) => {
    addRow(gradients.entity, dim, h, rows.head, b);
    gradients.headBias[h]! += dHeadBias[b]!;
  });
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
  ] as const)("allLoss of %s, %s", (encoder, similarity) => {
    const losses: readonly AllLossOptions[] = [
      { kind: "softmax", weight: 1, smoothing: 0 },
      { kind: "softmax", weight: 0.7, smoothing: 0.2 },
      { kind: "logistic", weight: 0.01, smoothing: 0 },
      { kind: "logistic", weight: 0.01, smoothing: 0.1 },
    ];
    const shapes = [
      [1, 1, 2, 1, 1],
      [3, 47, 6, 0.3, 1.5],
      [5, 49, 34, 3, 2],
      [66, 130, 8, 1, 1],
      [3, 1000, 8, 1.3, 3],
    ] as const;
    describe.each(losses)("$kind, smoothing $smoothing", (options) => {
      it.each(shapes)(
        "loss and gradients for B = %i, N = %i, d = %i, c = %d, radius %d",
        (B, entities, dim, curvature, radius) => {
          const seed = B + entities;
          const model = randomModel({ encoder, similarity, dim, entities, relations: 4, curvature, radius, seed });
          const random = new Random(B);
          const draw = (n: number) => Array.from({ length: B }, () => random.uint32() % n);
          const batch: Batch = {
            heads: draw(entities),
            relations: draw(4),
            candidates: Array.from({ length: B * entities }, (_, i) => i % entities),
            K: entities,
            gradScores: [],
          };
          // Queries have one answer, two, or a seventh of all entities; the first query's include its head.
          const answers = draw(entities).map((target, b) => {
            if (b % 3 === 0) return [b === 0 ? batch.heads[0]! : target];
            if (b % 3 === 1) return [...new Set([target, entities - 1])].sort((x, y) => x - y);
            return Array.from({ length: entities }, (_, e) => e).filter((e) => e % 7 === b % 7 || e === target);
          });
          const scaled = { ...options, weight: options.weight / B };
          const expected = reference(JSON.stringify([encoder, similarity, B, entities, options]), () =>
            byReference(model, batch, answers, scaled),
          );
          const { loss, gradients } = byKernels(kernels(), model, batch, answers, scaled);
          // Scores have a relative error of about 1e-6, and a loss is the difference of two.
          expect(Math.abs(loss - expected.loss)).toBeLessThan(1e-5 * (1 + expected.loss));
          // A softmax does not depend on a constant of the query.
          const softmax = options.kind === "softmax";
          if (softmax) expect(gradients.headBias.every((g) => g === 0)).toBe(true);
          const errors = gradientErrors(
            model,
            expected.gradients.filter((g) => !softmax || g.table !== "headBias"),
            gradients,
          );
          for (const [table, error] of Object.entries(errors)) {
            // With one entity, a softmax's gradient is only rounding. Otherwise f q - sum w p cancels a digit or two.
            if (entities > 1 || !softmax) expect(error, table).toBeLessThan(2e-5);
          }
        },
      );
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
    expect(byKernels(kernels(), model, batch, [[3]], soft(1)).loss).toBeNaN();
  });

  it("names a query without labels", () => {
    const shape = { dim: 4, entities: 20, relations: 2, curvature: 1, radius: 1, seed: 1 };
    const model = randomModel({ encoder: "RotE", similarity: "euclidean", ...shape });
    const batch: Batch = { heads: [1, 2], relations: [0, 1], candidates: [], K: 0, gradScores: [] };
    expect(() => byKernels(kernels(), model, batch, [[3], []], soft(1))).toThrow(/Query 1 has no label/);
  });
});
