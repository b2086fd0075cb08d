import { describe, expect, it } from "vitest";
import { encoderNames } from "../src/index.js";
import { cached, randomBatch, similaritiesOf } from "./_batches.js";
import { onEveryEngine } from "./_engines.js";
import { candidateGradients, expectedGradients, gradientErrors } from "./_gradients.js";
import type { Expected } from "./_gradients.js";
import { query, randomModel, scoreOf, scoreTolerance } from "./_model.js";

// Sums of up to 17 x 300 products of float32 values, each rounded by 6e-8, and that grows by some units along the chain.
const gradientTolerance = 5e-5;
// A query at the boundary has a radial gradient some 1e5 times the rest, which projection removes: float32 keeps 7 digits of both.
const boundaryTolerance = 2e-2;

interface Reference {
  readonly scores: readonly { readonly value: number; readonly tolerance: number }[];
  readonly gradients: readonly Expected[];
}
const reference = cached<Reference>();

onEveryEngine((kernels) => {
  describe.each(encoderNames.flatMap((encoder) => similaritiesOf(encoder).map((similarity) => [encoder, similarity] as const)))(
    "candidates of %s, %s",
    (encoder, similarity) => {
      it.each([
        // B, K, entities, dim, curvature, radius
        [1, 1, 4, 2, 1, 0.5],
        [3, 5, 10, 6, 0.05, 1],
        [3, 5, 6, 16, 10, 2],
        [17, 5, 40, 10, 1.3, 3],
        [3, 300, 50, 18, 1, 1.5],
        [17, 255, 1000, 8, 0.5, 1],
        [3, 5, 8, 4, 1e-3, 5.5],
      ])("B = %i, K = %i, N = %i, d = %i, c = %d, radius %d", (B, K, entities, dim, curvature, radius) => {
        const model = randomModel({ encoder, similarity, dim, entities, relations: 6, curvature, radius, seed: 11 * B + K });
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
          if (error > 5e-6) console.log("GE", encoder, similarity, B, K, table, error);
          expect(error, table).toBeLessThan(radius > 5 ? boundaryTolerance : gradientTolerance);
        }
      });
    },
  );
});
