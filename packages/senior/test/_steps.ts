import fc from "fast-check";
import { expect } from "vitest";
import type { SeniorKernels, SeniorStepArguments } from "../src/index.js";
import { seniorStepFloat64 } from "./_float64.js";

export interface Shape {
  readonly B: number;
  readonly K: number;
  readonly m: number;
}

/** A seeded generator of numbers in 0..1 (mulberry32), so that a failing case can be run again. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function uniform(random: () => number, length: number, low: number, high: number): Float32Array {
  return Float32Array.from({ length }, () => low + (high - low) * random());
}

/** A random step of a shape: scores as squared distances give them (-20 to 2), a third of the targets missing. */
export function randomStep(
  { B, K, m }: Shape,
  seed: number,
  changes: Partial<SeniorStepArguments> = {},
): SeniorStepArguments {
  const random = generator(seed);
  return {
    batch: B,
    candidates: K,
    teachers: m,
    teacherScores: uniform(random, m * B * K, -20, 2),
    juniorScores: uniform(random, B * K, -20, 2),
    scales: uniform(random, B * m, 0.05, 1),
    attentionTemperature: 1,
    targets: Int32Array.from({ length: B }, () => (random() < 1 / 3 ? -1 : Math.floor(random() * K))),
    temperature: 1,
    softWeight: 0.5,
    trainOnSoft: true,
    softLogits: new Float32Array(B * K).fill(NaN),
    weights: new Float32Array(B * m).fill(NaN),
    // A value that stays unwritten shows.
    gradJunior: new Float32Array(B * K).fill(NaN),
    gradScales: new Float32Array(B * m).fill(NaN),
    ...changes,
  };
}

/** The same inputs with outputs of its own. */
export function freshOutputs(step: SeniorStepArguments): SeniorStepArguments {
  return {
    ...step,
    softLogits: new Float32Array(step.batch * step.candidates).fill(NaN),
    weights: new Float32Array(step.batch * step.teachers).fill(NaN),
    gradJunior: new Float32Array(step.batch * step.candidates).fill(NaN),
    gradScales: new Float32Array(step.batch * step.teachers).fill(NaN),
  };
}

/** Random steps of all shapes, temperatures, weights and seeds. */
export const anyStep = (limits: Shape): fc.Arbitrary<SeniorStepArguments> =>
  fc
    .record({
      B: fc.integer({ min: 1, max: limits.B }),
      K: fc.integer({ min: 1, max: limits.K }),
      m: fc.integer({ min: 1, max: limits.m }),
      seed: fc.integer({ min: 0, max: 2 ** 31 }),
      attentionTemperature: fc.constantFrom(1, Math.E, Math.exp(5), Math.exp(80), Infinity),
      temperature: fc.constantFrom(0.5, 1, 2, 5),
      softWeight: fc.constantFrom(0, 0.01, 0.5, 1),
      trainOnSoft: fc.boolean(),
    })
    .map(({ B, K, m, seed, ...changes }) => randomStep({ B, K, m }, seed, changes));

/**
 * Expects a step by `kernels` to equal the float64 form. The tolerance has two parts. The relative one covers float32 sums, a few 2^-24 per
 * term, relative to the output's largest value, because small values result from cancellation between candidates. The absolute one covers
 * the logits: with S the largest score, a log-probability is a difference of logits of size S / T, off by S / T * 2^-23 each for s_soft
 * and s_J. The divergence passes that error on unchanged, even if it is 0 itself.
 */
export function expectFloat64(kernels: SeniorKernels, step: SeniorStepArguments, relative = 2e-5): void {
  const expected = freshOutputs(step);
  const expectedLosses = seniorStepFloat64(expected);
  const actual = freshOutputs(step);
  const actualLosses = kernels.seniorStep(actual);
  const { batch, temperature: T, softWeight } = step;
  const S = Math.max(largest(step.teacherScores), largest(step.juniorScores));
  const rounding = (S / T) * 2 ** -22;
  expectClose("softLoss", [actualLosses.softLoss], [expectedLosses.softLoss], relative, T * T * rounding);
  expectClose("seniorLoss", [actualLosses.seniorLoss], [expectedLosses.seniorLoss], relative);
  expectClose("softLogits", actual.softLogits!, expected.softLogits!, relative);
  expectClose("weights", actual.weights!, expected.weights!, relative);
  // dL_soft/ds_J = T / B (q - p) and dL_soft/dg = T / B sum p (ln p - ln q - KL) a s: the rounding times T / B, and times S.
  const soft = ((softWeight * T) / batch) * rounding;
  expectClose("gradJunior", actual.gradJunior, expected.gradJunior, relative, soft);
  expectClose("gradScales", actual.gradScales, expected.gradScales, relative, soft * S);
}

/** Every |actual - expected| is at most `relative` times the largest |expected|, plus `absolute`. */
export function expectClose(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  relative: number,
  absolute = 0,
): void {
  expect(actual.length, what).toBe(expected.length);
  const tolerance = relative * largest(expected) + absolute;
  for (let at = 0; at < expected.length; at++) {
    const difference = Math.abs(actual[at]! - expected[at]!);
    // Written so that NaN fails.
    if (!(difference <= tolerance)) {
      expect.fail(
        `${what}[${String(at)}] is ${String(actual[at])}, expected ${String(expected[at])} within ${String(tolerance)}`,
      );
    }
  }
}

function largest(values: ArrayLike<number>): number {
  return Array.from(values).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
}
