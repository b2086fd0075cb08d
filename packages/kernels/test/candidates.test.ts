import { describe, expect, it } from "vitest";
import { encoderNames } from "../src/index.js";
import { cached, randomBatch } from "./_batches.js";
import { onEveryEngine } from "./_engines.js";
import { candidateGradients, expectedGradients, gradientErrors } from "./_gradients.js";
import type { Expected } from "./_gradients.js";
import { multipleOf, query, randomModel, row, scoreOf, scoreTolerance, similaritiesOf } from "./_model.js";
import { dot } from "./_reference.js";

// Sums of up to 17 x 300 products of float32 values round by 6e-8 each, and the chain multiplies that by a few units.
const gradientTolerance = 1e-5;
// At radius 5, 1 - |x|^2 is 2e-4, and a point's float32 rounding is 3e-4 of that.
const boundaryTolerance = 2e-3;

interface Reference {
  readonly scores: readonly { readonly value: number; readonly tolerance: number }[];
  readonly gradients: readonly Expected[];
}
const reference = cached<Reference>();

type Case = readonly [B: number, K: number, entities: number, dim: number, curvature: number, radius: number];
const cases: readonly Case[] = [
  [1, 1, 4, 2, 1, 0.5],
  [3, 5, 10, 6, 0.05, 1],
  [3, 5, 6, 16, 10, 2],
  [17, 5, 40, 10, 1.3, 3],
  [3, 300, 50, 18, 1, 1.5],
  [17, 255, 1000, 8, 0.5, 1],
];
// Euclidean encoders have no boundary, and DistH's product of two points is far from it.
const boundaryCase: Case = [3, 5, 8, 4, 1, 5];

onEveryEngine((kernels) => {
  describe.each(
    encoderNames.flatMap((encoder) => similaritiesOf(encoder).map((similarity) => [encoder, similarity] as const)),
  )("candidates of %s, %s", (encoder, similarity) => {
    it.each(/^(Trans|Rot|Ref|Att)H/.test(encoder) ? [...cases, boundaryCase] : cases)(
      "B = %i, K = %i, N = %i, d >= %i, c = %d, radius %d",
      (B, K, entities, least, curvature, radius) => {
        const dim = Math.ceil(least / multipleOf(encoder)) * multipleOf(encoder);
        const model = randomModel({
          encoder,
          similarity,
          dim,
          entities,
          relations: 6,
          curvature,
          radius,
          seed: 11 * B + K,
        });
        const batch = randomBatch(B, K, entities, 6, B + K);
        const expected = reference(JSON.stringify([encoder, similarity, B, K, dim, radius]), () => ({
          scores: batch.heads.flatMap((h, b) => {
            const r = batch.relations[b]!;
            const q = query(model, h, r);
            return batch.candidates.slice(b * K, (b + 1) * K).map((e) => {
              const value = scoreOf(model, q, h, r, e);
              return { value, tolerance: scoreTolerance(model, q, r, e, false, value) };
            });
          }),
          gradients: expectedGradients(model, batch, B * K > 500 ? 8 : 24),
        }));
        const { scores, gradients } = candidateGradients(kernels(), model, batch);
        expected.scores.forEach(({ value, tolerance }, i) => {
          expect(Math.abs(scores[i]! - value), `pair ${i}`).toBeLessThan(tolerance);
        });
        for (const [table, error] of Object.entries(gradientErrors(model, expected.gradients, gradients))) {
          expect(error, table).toBeLessThan(radius === 5 ? boundaryTolerance : gradientTolerance);
        }
      },
    );
  });

  it.each(["hyperbolic", "relationHyperbolic"] as const)(
    "entities beyond the boundary, which are projected to it, have no gradient along their own direction (%s)",
    (similarity) => {
      // Lengths from 8 to 40; the boundary is at 6.1.
      const shape = {
        encoder: "TransH",
        similarity,
        dim: 6,
        entities: 8,
        relations: 6,
        curvature: 1,
        radius: 40,
        seed: 3,
      } as const;
      const model = randomModel(shape);
      model.c.fill(1);
      const { gradients } = candidateGradients(kernels(), model, randomBatch(5, 6, 8, 6, 2));
      // Without the cap, the slope along a point's direction would be about 2 artanh(1 - 1e-5) = 12 for each pair, as large as across it. The
      // kernels subtract it in float64; the rounding of the large sums remains.
      const length = (x: Float64Array) => Math.sqrt(dot(x, x));
      const rows = Array.from({ length: 8 }, (_, e) => row(gradients.entity, 6, e));
      const largest = Math.max(...rows.map(length));
      rows.forEach((g, e) => {
        const u = row(model.entity, 6, e);
        expect(Math.abs(dot(g, u)) / length(u)).toBeLessThan(1e-5 * largest);
      });
      expect(gradients.entity.some((value) => value !== 0)).toBe(true);
    },
  );
});
