import { describe, expect, it } from "vitest";
import { Random } from "../src/index.js";
import { onEveryEngine } from "./_engines.js";
import { copy } from "./_model.js";
import { bce, difference, divergence, logSumExp, softmax } from "./_reference.js";

const shapes = [
  [1, 1],
  [1, 5],
  [3, 16],
  [17, 255],
  [40, 300],
] as const;

// Scores are float32 and up to 40. Exponentials have a relative error of a few times 2e-7, and so do their sums, added up in float64.
const relative = 2e-6;

function scoresOf(B: number, K: number, seed: number): Float64Array {
  const random = new Random(seed);
  return Float64Array.from({ length: B * K }, (_, i) => Math.fround((i % 7 === 0 ? 12 : 3) * random.normal()));
}

function rowsOf(values: Float64Array, K: number): Float64Array[] {
  return Array.from({ length: values.length / K }, (_, b) => values.subarray(b * K, (b + 1) * K));
}

/** Compares a loss, the sum of `lossOf` each row, and its gradient at some entries, with the reference. */
function check(
  actual: { loss: number; gradient: Float32Array },
  scores: Float64Array,
  K: number,
  lossOf: (row: Float64Array, b: number) => number,
): void {
  const rows = rowsOf(scores, K);
  const expected = rows.reduce((sum, row, b) => sum + lossOf(row, b), 0);
  expect(Math.abs(actual.loss - expected)).toBeLessThan(relative * (1 + Math.abs(expected)));
  const stride = Math.max(1, Math.floor(scores.length / 40));
  const scale = actual.gradient.reduce((top, g) => Math.max(top, Math.abs(g)), 0);
  for (let i = 0; i < scores.length; i += stride) {
    const b = Math.floor(i / K);
    // A row's loss has a relative error of 1e-15, which the stencil divides by its step of 1e-3.
    const tolerance = relative * scale + 1e-11 * (1 + lossOf(rows[b]!, b));
    const slope = difference(() => lossOf(rows[b]!, b), rows[b]!, i % K, 1e-3);
    expect(Math.abs(actual.gradient[i]! - slope), `entry ${i}`).toBeLessThan(tolerance);
  }
}

onEveryEngine((kernels) => {
  describe.each(shapes)("with B = %i, K = %i", (B, K) => {
    const gradientOf = () => kernels().engine.float32(B * K);

    it.each([0, 0.5, 2])("bce, adversarial temperature %d", (adversarial) => {
      const k = kernels();
      const scores = scoresOf(B, K, 1);
      const gradient = gradientOf();
      const options = { positiveWeight: 0.5, negativeWeight: 0.25, adversarial };
      const loss = k.bce(B, K, copy(k, scores), options, gradient);
      // The weights count as constants.
      const weights = rowsOf(scores, K).map((row) => {
        const negatives = row.slice(1);
        return adversarial > 0 && K > 1 ? softmax(negatives.map((s) => adversarial * s)) : negatives.fill(1);
      });
      check({ loss, gradient }, scores, K, (row, b) => bce(row, 0.5, 0.25, weights[b]!));
    });

    it("crossEntropy", () => {
      const k = kernels();
      const scores = scoresOf(B, K, 2);
      const gradient = gradientOf();
      const loss = k.crossEntropy(B, K, copy(k, scores), 0.3, gradient);
      check({ loss, gradient }, scores, K, (row) => 0.3 * (logSumExp(row) - row[0]!));
    });

    it.each([1, 0.7, 4])("kl, T = %d", (temperature) => {
      const k = kernels();
      const scores = scoresOf(B, K, 3);
      const targets = scoresOf(B, K, 4);
      const gradient = gradientOf();
      const loss = k.kl(B, K, copy(k, targets), copy(k, scores), { temperature, weight: 0.2 }, gradient);
      const over = (row: Float64Array) => row.map((s) => s / temperature);
      const wanted = rowsOf(targets, K);
      check(
        { loss, gradient },
        scores,
        K,
        (row, b) => 0.2 * temperature ** 2 * divergence(over(wanted[b]!), over(row)),
      );
    });
  });

  it("kl of a distribution and itself is zero", () => {
    const k = kernels();
    const scores = copy(k, scoresOf(3, 30, 5));
    const gradient = k.engine.float32(90);
    expect(Math.abs(k.kl(3, 30, scores, scores, { temperature: 1, weight: 1 }, gradient))).toBeLessThan(1e-5);
    expect([...gradient].every((g) => g === 0)).toBe(true);
  });

  it("does not overflow with huge scores", () => {
    const k = kernels();
    const scores = copy(k, [-1e4, 1e4, 3, 1e4, -1e4, 0]);
    const gradient = k.engine.float32(6);
    expect(k.bce(2, 3, scores, { positiveWeight: 1, negativeWeight: 1, adversarial: 0 }, gradient)).toBeCloseTo(
      2e4 + 3.0486 + 0.6931,
      1,
    );
    expect(k.crossEntropy(2, 3, scores, 1, gradient)).toBeCloseTo(2e4, 2);
    expect([...gradient]).toEqual([-1, 1, 0, 0, 0, 0].map((g) => expect.closeTo(g, 6) as number));
    expect(k.kl(2, 3, copy(k, [0, 0, 0, 0, 0, 0]), scores, { temperature: 1, weight: 1 }, gradient)).toBeGreaterThan(
      1e3,
    );
  });

  it("has a NaN loss if a score is NaN, in a whole vector and in a part of one", () => {
    const k = kernels();
    for (const at of [0, 1, 18]) {
      const values = scoresOf(1, 19, 6);
      values[at] = NaN;
      const scores = copy(k, values);
      const gradient = k.engine.float32(19);
      for (const adversarial of [0, 1]) {
        expect(k.bce(1, 19, scores, { positiveWeight: 1, negativeWeight: 1, adversarial }, gradient)).toBeNaN();
      }
      expect(k.crossEntropy(1, 19, scores, 1, gradient)).toBeNaN();
      expect(k.kl(1, 19, copy(k, scoresOf(1, 19, 7)), scores, { temperature: 1, weight: 1 }, gradient)).toBeNaN();
    }
  });
});
