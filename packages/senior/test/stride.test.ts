import "@tensorflow/tfjs-backend-cpu";
import { createKernels } from "@mulde/kernels";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Senior, type SeniorKernels, type SeniorStep } from "../src/index.js";
import { seniorStepReference } from "../src/reference.js";
import { float64Kernels } from "./_float64.js";
import { generator, uniform } from "./_steps.js";

const relations = 6;
const untouched = 12345;

/** The same step twice: on rows of K values, and on columns `first..first + K` of a matrix whose rows are `stride` long. */
function twice(shape: { B: number; K: number; m: number; stride: number; first: number }, seed: number) {
  const { B, K, m, stride, first } = shape;
  const random = generator(seed);
  const juniorScores = uniform(random, B * K, -20, 2);
  const shared = {
    epoch: 3,
    relations: Int32Array.from({ length: B }, () => Math.floor(relations * random())),
    teacherScores: uniform(random, m * B * K, -20, 2),
    targets: Int32Array.from({ length: B }, () => Math.floor((K + 1) * random()) - 1),
    softWeight: 0.5,
    B,
    K,
  };
  // A NaN in any column outside the block must neither be read nor be complained about.
  const scores = new Float32Array(B * stride).fill(NaN);
  for (let b = 0; b < B; b++) scores.set(juniorScores.subarray(b * K, (b + 1) * K), b * stride + first);
  const gradients = new Float32Array(B * stride).fill(untouched);
  const contiguous: SeniorStep = {
    ...shared,
    juniorScores,
    gradJunior: new Float32Array(B * K),
    weights: new Float32Array(B * m),
  };
  const strided: SeniorStep = {
    ...shared,
    juniorScores: scores.subarray(first),
    gradJunior: gradients.subarray(first),
    weights: new Float32Array(B * m),
    stride,
  };
  return { contiguous, strided, gradients };
}

const shapes = [
  { B: 1, K: 1, m: 1, stride: 2, first: 1 },
  { B: 3, K: 5, m: 2, stride: 5, first: 0 },
  { B: 3, K: 5, m: 2, stride: 9, first: 0 },
  { B: 4, K: 16, m: 3, stride: 49, first: 33 },
  { B: 9, K: 37, m: 4, stride: 40, first: 2 },
  { B: 20, K: 100, m: 2, stride: 151, first: 51 },
];

describe.each(["the default engine", "WebAssembly", "TensorFlow.js", "float64"])("a strided step on %s", (form) => {
  let kernels: SeniorKernels;
  let close: (() => Promise<void>) | undefined;

  beforeAll(async () => {
    if (form === "float64") kernels = float64Kernels;
    else if (form === "TensorFlow.js") {
      await tf.setBackend("cpu");
      kernels = { seniorStep: seniorStepReference };
    } else {
      const created = await createKernels(form === "WebAssembly" ? { engine: "wasm", threads: 1 } : {});
      kernels = created;
      close = () => created.engine.close();
    }
  });

  afterAll(() => close?.());

  it.each(shapes)("equals the contiguous one bit for bit at B = $B, K = $K, stride = $stride from $first", (shape) => {
    const { B, K, m, stride, first } = shape;
    const { contiguous, strided, gradients } = twice(shape, 11);
    const [a, b] = [contiguous, strided].map((step) => {
      const senior = new Senior({ teachers: m, relations, kernels });
      const losses = senior.step(step);
      return {
        losses,
        byScaling: senior.parameters()[0]!.gradient,
        soft: senior.softLogits(step),
        weights: step.weights,
      };
    });
    expect(b).toEqual(a);
    expect(a!.losses.seniorLoss).toBeGreaterThan(0);
    gradients.forEach((value, at) => {
      const k = (at % stride) - first;
      const expected = k >= 0 && k < K ? contiguous.gradJunior[Math.floor(at / stride) * K + k] : untouched;
      expect(value, `row ${String(Math.floor(at / stride))} of ${String(B)}, column ${String(at % stride)}`).toBe(
        expected,
      );
    });
  });
});

describe("a strided step", () => {
  const senior = new Senior({ teachers: 2, relations, kernels: float64Kernels });
  const shape = { B: 3, K: 5, m: 2, stride: 9, first: 2 };

  it("takes views that end with the block or with the matrix", () => {
    const { strided } = twice(shape, 12);
    const length = 2 * 9 + 5;
    const ending = {
      ...strided,
      juniorScores: strided.juniorScores.subarray(0, length),
      gradJunior: strided.gradJunior.subarray(0, length),
    };
    expect(senior.step(ending)).toEqual(senior.step(strided));
  });

  it.each([
    ["a stride below K", { stride: 4 }, "stride must be a whole number of at least K = 5, but is 4"],
    ["a fractional stride", { stride: 9.5 }, "but is 9.5"],
    [
      "scores that end before the block",
      { juniorScores: new Float32Array(22) },
      "juniorScores must hold (B - 1) x stride + K = 23",
    ],
    ["scores of more rows", { juniorScores: new Float32Array(28) }, "B x stride = 27"],
    ["a gradient that ends before the block", { gradJunior: new Float32Array(22) }, "gradJunior must hold"],
  ] as const)("refuses %s", (_, changes, text) => {
    expect(() => senior.step({ ...twice(shape, 13).strided, ...changes })).toThrow(
      expect.objectContaining({ code: "SENIOR_SHAPE", message: expect.stringContaining(text) as string }),
    );
  });

  it("names the query and the candidate of a score that is not finite by their place in the block", () => {
    const { strided } = twice(shape, 14);
    strided.juniorScores[2 * 9 + 3] = Infinity;
    expect(() => senior.step(strided)).toThrow("The Junior gave Infinity for query 2, candidate 3");
  });
});
