import { createKernels } from "@mulde/kernels";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Senior, type SeniorKernels } from "../src/index.js";
import { float64Kernels } from "./_float64.js";
import { anyStep, expectFloat64, freshOutputs, generator, randomStep, uniform } from "./_steps.js";

// The default engine is WebAssembly too if there is no compiler. Its binary is committed.
const engines = [
  { name: "the default engine", options: {} },
  { name: "WebAssembly", options: { engine: "wasm", threads: 1 } },
] as const;

describe.each(engines)("the fused form on $name", ({ options }) => {
  let kernels: SeniorKernels;
  let close: () => Promise<void>;

  beforeAll(async () => {
    const created = await createKernels(options);
    kernels = created;
    close = () => created.engine.close();
  });

  afterAll(() => close());

  // K around every multiple of the vector widths (4, 8, 16), and the paper's K = 500.
  const shapes = [1, 2, 5].flatMap((B) =>
    [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 500].flatMap((K) => [1, 2, 4, 6].map((m) => ({ B, K, m }))),
  );

  it.each(shapes)("equals the float64 form at B = $B, K = $K, m = $m", (shape) => {
    for (const trainOnSoft of [true, false]) expectFloat64(kernels, randomStep(shape, 1, { trainOnSoft }));
  });

  it("equals the float64 form at the paper's batch", () => {
    expectFloat64(kernels, randomStep({ B: 500, K: 500, m: 4 }, 2, { attentionTemperature: Math.E }));
  });

  it("equals the float64 form for every temperature, weight and target", () => {
    fc.assert(
      fc.property(anyStep({ B: 8, K: 70, m: 6 }), (step) => {
        expectFloat64(kernels, step);
      }),
      { numRuns: 300 },
    );
  });

  it("equals the float64 form for scores far apart and all alike", () => {
    const [B, K, m] = [3, 40, 4];
    const random = generator(3);
    const far = { teacherScores: uniform(random, m * B * K, -500, 20), juniorScores: uniform(random, B * K, -500, 20) };
    // A factor 25 in the size of the scores, and so in the rounding of a logit.
    expectFloat64(kernels, randomStep({ B, K, m }, 3, far), 5e-4);
    const alike = {
      teacherScores: new Float32Array(m * B * K).fill(-3),
      juniorScores: new Float32Array(B * K).fill(7),
    };
    expectFloat64(kernels, randomStep({ B, K, m }, 3, alike));
  });

  it("does without the optional outputs, to the same bits", () => {
    const withOutputs = randomStep({ B: 4, K: 37, m: 3 }, 4);
    const without = { ...freshOutputs(withOutputs), softLogits: null, weights: null };
    expect(kernels.seniorStep(without)).toEqual(kernels.seniorStep(withOutputs));
    expect(without.gradJunior).toEqual(withOutputs.gradJunior);
    expect(without.gradScales).toEqual(withOutputs.gradScales);
  });

  it("drives a Senior over steps as the float64 form does", () => {
    const [B, K, m, relations] = [6, 20, 4, 8];
    const random = generator(5);
    const seniors = [kernels, float64Kernels].map((form) => new Senior({ teachers: m, relations, kernels: form }));
    for (let epoch = 0; epoch < 12; epoch++) {
      const ids = Int32Array.from({ length: B }, () => Math.floor(relations * random()));
      const targets = Int32Array.from({ length: B }, () => Math.floor((K + 1) * random()) - 1);
      const scores = { teacherScores: uniform(random, m * B * K, -9, 2), juniorScores: uniform(random, B * K, -9, 2) };
      const losses = seniors.map((senior) => {
        const gradJunior = new Float32Array(B * K);
        const result = senior.step({ epoch, relations: ids, ...scores, targets, softWeight: 0.5, gradJunior, B, K });
        const { value, gradient } = senior.parameters()[0]!;
        gradient.forEach((g, at) => (value[at]! -= g));
        return result;
      });
      expect(losses[0]!.softLoss).toBeCloseTo(losses[1]!.softLoss, 4);
      expect(losses[0]!.seniorLoss).toBeCloseTo(losses[1]!.seniorLoss, 4);
    }
    const [fused, plain] = seniors.map((senior) => senior.parameters()[0]!.value);
    fused!.forEach((value, at) => expect(value).toBeCloseTo(plain![at]!, 4));
    expect(fused!.some((value) => Math.abs(value - 1) > 0.01)).toBe(true);
  });

  it.each([NaN, Infinity])("lets no %d through: one bad score anywhere is an error", (value) => {
    for (const at of [0, 3, 16, 36]) {
      for (const who of ["teacherScores", "juniorScores"] as const) {
        const [B, K, m] = [1, 37, 2];
        const step = randomStep({ B, K, m }, 6);
        step[who][at] = value;
        const senior = new Senior({ teachers: m, relations: 1, kernels });
        const { teacherScores, juniorScores, gradJunior } = step;
        const batch = { epoch: 0, relations: Int32Array.of(0), teacherScores, juniorScores, B, K };
        expect(() => senior.step({ ...batch, targets: Int32Array.of(0), softWeight: 1, gradJunior })).toThrow(
          expect.objectContaining({
            code: who === "teacherScores" ? "SENIOR_TEACHER_NOT_FINITE" : "SENIOR_NOT_FINITE",
          }),
        );
      }
    }
  });
});
