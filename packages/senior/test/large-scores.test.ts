// One teacher among several gives scores of any size that float32 has. No setting makes a NaN of them: a normalization lets the other teachers
// through, or the run stops and says whose scores they are.
import { createKernels } from "@mulde/kernels";
import type { MuldeError } from "@mulde/errors";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Attention,
  belowBest,
  contrastAttention,
  fixedWeights,
  noNormalization,
  type Normalization,
  noScaling,
  rankScores,
  relationScaling,
  type Scaling,
  Senior,
  type SeniorKernels,
  softmaxWeights,
  uniformAttention,
  zScore,
} from "../src/index.js";
import { seniorStepReference } from "../src/reference.js";
import { generator, uniform } from "./_steps.js";

const engines = [
  { name: "the default engine", make: () => createKernels() },
  { name: "WebAssembly", make: () => createKernels({ engine: "wasm", threads: 1 }) },
  { name: "the TensorFlow.js form", make: undefined },
] as const;

const [m, relations] = [3, 2];
const shape = { relations, teachers: m };

const normalizations: Readonly<Record<string, () => Normalization>> = {
  none: noNormalization,
  zScore,
  belowBest,
  ranks: rankScores,
};
const scalings: Readonly<Record<string, () => Scaling>> = {
  relation: () => relationScaling(shape),
  softmax: () => softmaxWeights(shape),
  none: noScaling,
  fixed: () => fixedWeights([1, 2, 3]),
};
const attentions: Readonly<Record<string, () => Attention>> = {
  contrast: contrastAttention,
  uniform: uniformAttention,
};

type Fill = (scores: Float32Array, random: () => number) => void;
const spread =
  (size: number): Fill =>
  (scores, random) => {
    for (let i = 0; i < scores.length; i++) scores[i] = size * (2 * random() - 1);
  };
const poisons: Readonly<Record<string, Fill>> = {
  "1e30": spread(1e30),
  "3e38": spread(3e38),
  "1e13": spread(1e13),
  denormals: spread(1e-43),
  "constant 1e30": (scores) => scores.fill(1e30),
  "constant -1e30": (scores) => scores.fill(-1e30),
  "constant 3.4e38": (scores) => scores.fill(3.4e38),
  "both ends of float32": (scores, random) => scores.forEach((_, i) => (scores[i] = random() < 0.5 ? 3.4e38 : -3.4e38)),
  "one outlier": (scores, random) => (scores[Math.floor(random() * scores.length)] = 1e30),
  "one masked": (scores, random) => (scores[Math.floor(random() * scores.length)] = -1e30),
};

/** Whether the squares of a query's scores, of all teachers, are more than the Senior takes. */
function tooLarge(scores: Float32Array, B: number, K: number): boolean {
  return Array.from({ length: B }, (_, b) => {
    let squares = 0;
    for (let i = 0; i < m; i++) for (let k = 0; k < K; k++) squares += scores[(i * B + b) * K + k]! ** 2;
    return !(squares <= 1e24);
  }).includes(true);
}

describe.each(engines)("scores of any size from one teacher, on $name", ({ make }) => {
  let kernels: SeniorKernels = { seniorStep: seniorStepReference };
  let close = (): Promise<void> => Promise.resolve();

  beforeAll(async () => {
    await tf.setBackend("cpu");
    if (!make) return;
    const created = await make();
    kernels = created;
    close = () => created.close();
  });
  afterAll(() => close());

  const cases = fc.record({
    normalization: fc.constantFrom(...Object.keys(normalizations)),
    scaling: fc.constantFrom(...Object.keys(scalings)),
    attention: fc.constantFrom(...Object.keys(attentions)),
    poison: fc.constantFrom(...Object.keys(poisons)),
    who: fc.integer({ min: 0, max: m - 1 }),
    epoch: fc.constantFrom(0, 30, 500),
    temperature: fc.constantFrom(0.5, 1, 4),
    trainOnSoftLabels: fc.boolean(),
    B: fc.integer({ min: 1, max: 4 }),
    K: fc.integer({ min: 2, max: 40 }),
    seed: fc.integer({ min: 0, max: 2 ** 31 }),
  });

  it("nothing becomes NaN and the others get through, or an error names the teacher", () => {
    const seen = { refused: new Set<string>(), fine: new Set<string>() };
    fc.assert(
      fc.property(cases, ({ B, K, who, seed, epoch, poison, ...names }) => {
        const random = generator(seed);
        const teacherScores = uniform(random, m * B * K, -3, 3);
        for (let b = 0; b < B; b++) {
          const from = (who * B + b) * K;
          poisons[poison]!(teacherScores.subarray(from, from + K), random);
        }
        const normalization = normalizations[names.normalization]!();
        const senior = new Senior({
          teachers: m,
          relations,
          kernels,
          normalization,
          scaling: scalings[names.scaling]!(),
          attention: attentions[names.attention]!(),
          temperature: names.temperature,
          trainOnSoftLabels: names.trainOnSoftLabels,
        });
        const gradJunior = new Float32Array(B * K);
        const weights = new Float32Array(B * m);
        const batch = {
          epoch,
          relations: Int32Array.from({ length: B }, (_, b) => b % relations),
          teacherScores,
          juniorScores: uniform(random, B * K, -3, 3),
          B,
          K,
        };
        const step = () => {
          const targets = Int32Array.from({ length: B }, (_, b) => (b % 2 === 0 ? 0 : -1));
          return senior.step({ ...batch, targets, softWeight: 1, gradJunior, weights });
        };
        const normalized = new Float32Array(teacherScores.length);
        normalization.apply(teacherScores, { teachers: m, B, K }, normalized);
        const setting = `${names.normalization}, ${poison}`;
        if (tooLarge(normalized, B, K)) {
          seen.refused.add(setting);
          const refusal = expect.objectContaining({
            code: "SENIOR_TEACHER_TOO_LARGE",
            value: expect.objectContaining({ teacher: who }) as unknown,
          }) as MuldeError;
          expect(step).toThrow(refusal);
          expect(() => senior.softLogits(batch)).toThrow(refusal);
          return;
        }
        seen.fine.add(setting);
        const { softLoss, seniorLoss } = step();
        const { softLogits } = senior.softLogits(batch);
        const gradients = senior.parameters().map(({ gradient }) => gradient);
        for (const values of [[softLoss, seniorLoss], gradJunior, weights, softLogits, ...gradients]) {
          for (const value of values) expect(Number.isFinite(value)).toBe(true);
          // Adam squares gradients in float32.
          for (const value of values) expect(Math.abs(value)).toBeLessThan(1e18);
        }
        for (let b = 0; b < B; b++) {
          const sum = weights.subarray(b * m, (b + 1) * m).reduce((total, w) => total + w, 0);
          expect(sum).toBeCloseTo(1, 5);
        }
        // Another teacher changes its mind about each query: the soft label follows.
        const other = (who + 1) % m;
        for (let b = 0; b < B; b++) teacherScores.subarray((other * B + b) * K, (other * B + b + 1) * K).reverse();
        const changed = senior.softLogits(batch).softLogits;
        expect(changed).not.toEqual(softLogits);
      }),
      { numRuns: make ? 1500 : 400, seed: 19 },
    );
    const settings = (set: Set<string>, normalization: string) =>
      [...set].filter((setting) => setting.startsWith(normalization));
    for (const copes of ["zScore", "ranks"]) {
      expect(settings(seen.refused, copes)).toEqual([]);
      expect(settings(seen.fine, copes)).toHaveLength(Object.keys(poisons).length);
    }
    expect(settings(seen.fine, "none")).toEqual(["none, denormals"]);
    expect(settings(seen.fine, "belowBest").sort()).toEqual([
      "belowBest, constant -1e30",
      "belowBest, constant 1e30",
      "belowBest, constant 3.4e38",
      "belowBest, denormals",
    ]);
  });

  it.each([NaN, Infinity, -Infinity])("no normalization hides a %d", (value) => {
    for (const [name, normalization] of Object.entries(normalizations)) {
      for (const attention of Object.values(attentions)) {
        for (const at of [0, 20, 36, 37 + 5, 2 * 37 + 36]) {
          const teacherScores = uniform(generator(at), m * 37, -3, 3);
          teacherScores[at] = value;
          const senior = new Senior({ ...shape, kernels, normalization: normalization(), attention: attention() });
          const batch = { epoch: 500, relations: Int32Array.of(1), teacherScores, B: 1, K: 37 };
          expect(() => senior.softLogits({ ...batch, juniorScores: new Float32Array(37) }), name).toThrow(
            expect.objectContaining({
              code: "SENIOR_TEACHER_NOT_FINITE",
              value: { teacher: Math.floor(at / 37), query: 0, candidate: at % 37, score: value },
            }) as MuldeError,
          );
        }
      }
    }
  });
});
