import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { Senior } from "../src/index.js";
import { seniorStepReference } from "../src/reference.js";
import { registerGradients } from "../src/_gradients.js";
import { anyStep, expectFloat64, generator, randomStep, uniform } from "./_steps.js";

beforeAll(async () => {
  await tf.setBackend("cpu");
  registerGradients();
});

describe("the TensorFlow.js form", () => {
  it("equals the float64 form in every output", () => {
    fc.assert(
      fc.property(anyStep({ B: 5, K: 30, m: 6 }), (step) => {
        expectFloat64({ seniorStep: seniorStepReference }, step);
      }),
      { numRuns: 100 },
    );
  });

  it("has the gradient at logits of exactly 0, where max and abs have none", () => {
    const shape = { B: 1, K: 3, m: 2 };
    expectFloat64(
      { seniorStep: seniorStepReference },
      randomStep(shape, 3, { teacherScores: Float32Array.of(0, 0, 0, 0, 0, 1), targets: Int32Array.of(1) }),
    );
  });

  it("leaves no tensor behind over steps", () => {
    const step = randomStep({ B: 4, K: 10, m: 3 }, 4);
    seniorStepReference(step);
    const before = tf.memory().numTensors;
    for (let n = 0; n < 5; n++) seniorStepReference(step);
    expect(tf.memory().numTensors).toBe(before);
  });

  it("does without the optional outputs", () => {
    const step = randomStep({ B: 2, K: 3, m: 2 }, 5, { softLogits: null, weights: null });
    expect(Number.isFinite(seniorStepReference(step).softLoss)).toBe(true);
    expect([...step.gradJunior, ...step.gradScales].every(Number.isFinite)).toBe(true);
  });

  it("has no losses where a query's scores are too large or not finite", () => {
    for (const score of [1.1e12, NaN]) {
      const step = randomStep({ B: 2, K: 3, m: 2 }, 7);
      // The last of the second query's.
      step.teacherScores[11] = score;
      expect(seniorStepReference(step)).toEqual({ softLoss: NaN, seniorLoss: NaN });
    }
    const step = randomStep({ B: 2, K: 3, m: 2 }, 7);
    step.teacherScores.fill(0.9e12, 10, 11);
    expect(Number.isFinite(seniorStepReference(step).seniorLoss)).toBe(true);
  });

  it("drives a Senior whose gradient of W is the one of tfjs through gather and sigmoid", () => {
    const [B, K, m, relations] = [5, 8, 3, 4];
    const random = generator(6);
    const ids = Int32Array.of(0, 2, 2, 3, 2);
    const senior = new Senior({ teachers: m, relations, kernels: { seniorStep: seniorStepReference } });
    const W = senior.parameters()[0]!;
    W.value.set(uniform(random, relations * m, -2, 2));
    const batch = {
      epoch: 3,
      relations: ids,
      teacherScores: uniform(random, m * B * K, -8, 2),
      juniorScores: uniform(random, B * K, -8, 2),
      B,
      K,
    };
    const targets = Int32Array.of(0, 7, -1, 3, 2);
    const { weights } = senior.softLogits(batch);
    senior.step({ ...batch, targets, softWeight: 0.5, gradJunior: new Float32Array(B * K) });

    // The total loss as a function of the scales; then back by hand through the sigmoid and the gather, which is a product
    // with a one-hot matrix: equal relations add up.
    const expected = tf.tidy(() => {
      const teacherScores = tf.transpose(tf.tensor3d(batch.teacherScores, [m, B, K]), [1, 0, 2]);
      const attention = tf.tensor3d(weights, [B, m, 1]);
      const junior = tf.logSoftmax(tf.tensor2d(batch.juniorScores, [B, K]));
      const labels = tf.cast(tf.oneHot(tf.tensor1d(targets, "int32"), K), "float32");
      const total = (scales: tf.Tensor): tf.Scalar => {
        const soft = tf.sum(tf.mul(attention, tf.mul(scales, teacherScores)), 1);
        const log = tf.logSoftmax(soft);
        const softLoss = tf.sum(tf.mul(tf.mul(tf.exp(log), tf.sub(log, junior)), 1 / B));
        const seniorLoss = tf.sum(tf.mul(tf.sub(tf.softplus(soft), tf.mul(soft, labels)), 1 / (B * K)));
        return tf.sub(seniorLoss, tf.mul(softLoss, -0.5));
      };
      const rows = tf.cast(tf.oneHot(tf.tensor1d(ids, "int32"), relations), "float32");
      const scales = tf.sigmoid(tf.matMul(rows, tf.tensor2d(W.value, [relations, m])));
      const { grad } = tf.valueAndGrad(total)(tf.expandDims(scales, -1));
      const gradW = tf.mul(tf.squeeze(grad, [-1]), tf.mul(scales, tf.sub(1, scales)));
      return tf.matMul(rows, gradW, true).dataSync<"float32">();
    });
    expect(Array.from(W.gradient.subarray(m, 2 * m))).toEqual([0, 0, 0]);
    // float32 on both sides, sums of at most 5 x 8 terms.
    expected.forEach((x, at) => {
      expect(Math.abs(W.gradient[at]! - x)).toBeLessThan(1e-6 + 1e-5 * Math.abs(x));
    });
    expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(1e-3);
  });
});
