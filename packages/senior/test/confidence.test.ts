import { describe, expect, it } from "vitest";
import { confidenceWeights } from "../src/index.js";

const empty = (B: number) => ({ soft: new Float32Array(B), hard: new Float32Array(B) });

describe("confidenceWeights", () => {
  it("trusts soft labels by their score of the true answer, and hard ones for the rest", () => {
    const out = empty(3);
    // sigmoid(2 (s + 1)): 1/2, e^2 / (1 + e^2) = .880797, 1 / (1 + e^4) = .017986
    confidenceWeights(Float32Array.of(-1, 0, -3), { alpha: 2, beta: 1 }, out);
    [0.5, 0.880797, 0.017986].forEach((weight, b) => {
      expect(out.soft[b]).toBeCloseTo(weight, 6);
      expect(out.hard[b]).toBeCloseTo(1 - weight, 6);
    });
  });

  it("weighs both alike with alpha 0", () => {
    const out = empty(2);
    confidenceWeights(Float32Array.of(-100, 100), { alpha: 0, beta: 3 }, out);
    expect([...out.soft, ...out.hard]).toEqual([0.5, 0.5, 0.5, 0.5]);
  });

  it("refuses other numbers and lengths", () => {
    for (const [alpha, beta] of [
      [-1, 0],
      [NaN, 0],
      [Infinity, 0],
      [1, NaN],
      [1, Infinity],
    ] as const) {
      expect(() => confidenceWeights(Float32Array.of(1), { alpha, beta }, empty(1))).toThrow(
        expect.objectContaining({
          code: "SENIOR_CONFIDENCE",
          message: expect.stringContaining(`are ${String(alpha)} and ${String(beta)}`) as string,
          value: { alpha, beta },
        }),
      );
    }
    for (const side of ["soft", "hard"] as const) {
      const out = { ...empty(1), [side]: new Float32Array(2) };
      expect(() => confidenceWeights(Float32Array.of(1), { alpha: 1, beta: 0 }, out)).toThrow(
        expect.objectContaining({
          code: "SENIOR_SHAPE",
          message: expect.stringContaining(`${side} must hold B = 1`) as string,
        }),
      );
    }
  });
});
