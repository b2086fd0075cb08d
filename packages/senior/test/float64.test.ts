import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attentionWeights, gradients, losses, seniorStepFloat64, type Inputs } from "./_float64.js";
import { anyStep, expectClose, randomStep } from "./_steps.js";

/** d loss / d values by central differences in float64, the weights held fixed. */
function finiteDifferences(values: Float64Array, loss: () => number): Float64Array {
  // Error h^2 f''' / 6 + 2^-52 f / h: about 1e-10 at h = 1e-5 for losses of order 1 to 10, 1e-9 for the largest.
  const h = 1e-5;
  return values.map((value, at) => {
    values[at] = value + h;
    const above = loss();
    values[at] = value - h;
    const below = loss();
    values[at] = value;
    return (above - below) / (2 * h);
  });
}

describe("the float64 form", () => {
  it("has the gradients that finite differences give", () => {
    fc.assert(
      fc.property(anyStep({ B: 3, K: 6, m: 4 }), (step) => {
        const juniorScores = Float64Array.from(step.juniorScores);
        const scales = Float64Array.from(step.scales);
        const inputs: Inputs = { ...step, juniorScores, scales };
        const weights = attentionWeights(inputs);
        const actual = gradients(inputs, weights);
        const soft = (): number => losses(inputs, weights).softLoss;
        const senior = (): number => losses(inputs, weights).seniorLoss;
        expectClose("softJunior", actual.softJunior, finiteDifferences(juniorScores, soft), 1e-6, 1e-8);
        expectClose("softScales", actual.softScales, finiteDifferences(scales, soft), 1e-6, 1e-8);
        expectClose("seniorScales", actual.seniorScales, finiteDifferences(scales, senior), 1e-6, 1e-8);
      }),
      { numRuns: 60 },
    );
  });

  it("would have another gradient if the contrast weights were not detached", () => {
    const step = randomStep({ B: 2, K: 5, m: 3 }, 1, { attentionTemperature: Math.exp(2) });
    const scales = Float64Array.from(step.scales);
    const inputs: Inputs = { ...step, scales };
    const detached = gradients(inputs, attentionWeights(inputs)).softScales;
    const leaking = finiteDifferences(scales, () => losses(inputs, attentionWeights(inputs)).softLoss);
    expect(Math.max(...leaking.map((x, at) => Math.abs(x - detached[at]!)))).toBeGreaterThan(1e-3);
  });

  it("gives the Junior lambda times the soft gradient, and W the soft one only if told so", () => {
    const shape = { B: 2, K: 4, m: 2 };
    const alone = randomStep(shape, 2, { softWeight: 0.25, trainOnSoft: false });
    const both = randomStep(shape, 2, { softWeight: 0.25, trainOnSoft: true });
    seniorStepFloat64(alone);
    seniorStepFloat64(both);
    const { softJunior, softScales, seniorScales } = gradients(alone, attentionWeights(alone));
    for (const step of [alone, both]) {
      expectClose(
        "gradJunior",
        step.gradJunior,
        softJunior.map((x) => 0.25 * x),
        1e-6,
      );
    }
    expectClose("gradScales", alone.gradScales, seniorScales, 1e-6);
    expectClose(
      "gradScales",
      both.gradScales,
      seniorScales.map((x, at) => x + 0.25 * softScales[at]!),
      1e-6,
    );
    expect(both.gradScales).not.toEqual(alone.gradScales);
  });
});
