import { describe, expect, it } from "vitest";
import { Random } from "../src/index.js";
import type { Kernels, SeniorStep, MuldeError } from "../src/index.js";
import { onEveryEngine } from "./_engines.js";
import { copy, ints } from "./_model.js";
import { contrastWeights, difference, senior } from "./_reference.js";

interface Case {
  readonly B: number;
  readonly K: number;
  readonly m: number;
  readonly tau: number;
  readonly T: number;
  readonly trainOnSoft: boolean;
}

const cases: readonly Case[] = [
  { B: 1, K: 1, m: 1, tau: 1, T: 1, trainOnSoft: true },
  { B: 3, K: 5, m: 2, tau: 1, T: 1, trainOnSoft: false },
  { B: 17, K: 33, m: 4, tau: Math.E, T: 2, trainOnSoft: true },
  { B: 9, K: 255, m: 6, tau: Infinity, T: 1, trainOnSoft: true },
  { B: 20, K: 500, m: 3, tau: 1, T: 0.5, trainOnSoft: false },
  { B: 2, K: 300, m: 5, tau: Math.exp(5), T: 1, trainOnSoft: true },
];
const softWeight = 0.5;

function inputs({ B, K, m }: Case) {
  const random = new Random(K);
  const scores = (length: number) => Float64Array.from({ length }, () => Math.fround(3 * random.normal() - 2));
  return {
    teachers: scores(m * B * K),
    junior: scores(B * K),
    // Gates are in (0, 1), but negative scales must work too.
    scales: Float64Array.from({ length: B * m }, () =>
      Math.fround(random.uniform() > 0.1 ? 0.2 + 0.7 * random.uniform() : -0.3),
    ),
    // The true tail comes first, last, in between, or not at all.
    targets: Array.from({ length: B }, (_, b) => [0, K - 1, -1, Math.floor(K / 2)][b % 4]!),
  };
}

function run(k: Kernels, c: Case, x: ReturnType<typeof inputs>) {
  const step: SeniorStep = {
    batch: c.B,
    candidates: c.K,
    teachers: c.m,
    teacherScores: copy(k, x.teachers),
    juniorScores: copy(k, x.junior),
    scales: copy(k, x.scales),
    attentionTemperature: c.tau,
    targets: ints(k, x.targets),
    temperature: c.T,
    softWeight,
    trainOnSoft: c.trainOnSoft,
    softLogits: k.engine.float32(c.B * c.K),
    weights: k.engine.float32(c.B * c.m),
    gradJunior: k.engine.float32(c.B * c.K),
    gradScales: k.engine.float32(c.B * c.m),
  };
  return { step, losses: k.seniorStep(step) };
}

onEveryEngine((kernels) => {
  describe.each(cases)("seniorStep, B = $B, K = $K, m = $m, tau = $tau, T = $T, trainOnSoft = $trainOnSoft", (c) => {
    const { B, K, m, T } = c;
    const x = inputs(c);
    const row = (values: Float64Array, b: number) => values.subarray(b * K, (b + 1) * K);
    const scaled = (b: number) =>
      Array.from({ length: m }, (_, i) => row(x.teachers, i * B + b).map((s) => s * x.scales[b * m + i]!));
    const weights = Array.from({ length: B }, (_, b) => contrastWeights(row(x.junior, b), scaled(b), c.tau));
    const expected = (b: number) => senior(row(x.junior, b), scaled(b), weights[b]!, x.targets[b]!, T);
    const mean = (part: "softLoss" | "seniorLoss") =>
      Array.from({ length: B }, (_, b) => expected(b)[part]).reduce((a, v) => a + v) / B;

    it("gives the weights, the soft logits and the losses of the formulas", () => {
      const { step, losses } = run(kernels(), c, x);
      for (let b = 0; b < B; b++) {
        const { logits } = expected(b);
        // Divergences of float32 scores of about 10 have an error of 2e-6, and so, relatively, do their exponentials.
        for (let i = 0; i < m; i++) expect(Math.abs(step.weights![b * m + i]! - weights[b]![i]!)).toBeLessThan(5e-6);
        for (let j = 0; j < K; j++) expect(Math.abs(step.softLogits![b * K + j]! - logits[j]!)).toBeLessThan(5e-5);
      }
      expect(Math.abs(losses.softLoss - mean("softLoss"))).toBeLessThan(1e-5 * (1 + losses.softLoss));
      expect(Math.abs(losses.seniorLoss - mean("seniorLoss"))).toBeLessThan(1e-5);
    });

    it("gives the Junior the gradient of the soft-label loss with a constant label", () => {
      const { step } = run(kernels(), c, x);
      const scale = Math.max(...step.gradJunior.map(Math.abs), 1e-6);
      for (let i = 0; i < B * K; i += Math.max(1, Math.floor((B * K) / 30))) {
        const b = Math.floor(i / K);
        const { logits } = expected(b);
        // The soft label is the only teacher.
        const loss = () => (softWeight * senior(row(x.junior, b), [logits], Float64Array.of(1), -1, T).softLoss) / B;
        expect(Math.abs(step.gradJunior[i]! - difference(loss, x.junior, i, 1e-3)), `entry ${i}`).toBeLessThan(
          2e-5 * scale,
        );
      }
    });

    it("gives the scales the gradient of the Senior's loss, and of the soft-label loss if requested, with constant attention", () => {
      const { step } = run(kernels(), c, x);
      const scale = Math.max(...step.gradScales.map(Math.abs), 1e-6);
      for (let i = 0; i < B * m; i++) {
        const b = Math.floor(i / m);
        const loss = () => {
          const { softLoss, seniorLoss } = expected(b);
          return (seniorLoss + (c.trainOnSoft ? softWeight * softLoss : 0)) / B;
        };
        expect(Math.abs(step.gradScales[i]! - difference(loss, x.scales, i, 1e-3)), `entry ${i}`).toBeLessThan(
          2e-5 * scale,
        );
      }
    });
  });

  it("weighs all teachers equally if tau is infinite, and only the nearest if it is tiny", () => {
    const k = kernels();
    const c: Case = { B: 1, K: 20, m: 3, tau: Infinity, T: 1, trainOnSoft: true };
    const x = inputs(c);
    x.scales.fill(1);
    x.teachers.set(x.junior, c.K);
    expect([...run(k, c, x).step.weights!]).toEqual([1 / 3, 1 / 3, 1 / 3].map(Math.fround));
    expect([...run(k, { ...c, tau: 1e-3 }, x).step.weights!]).toEqual(
      [0, 1, 0].map((w) => expect.closeTo(w, 5) as number),
    );
  });

  it("does not need arrays for logits and weights", () => {
    const k = kernels();
    const c = cases[2]!;
    const full = run(k, c, inputs(c));
    const gradJunior = k.engine.float32(c.B * c.K);
    const step = { ...full.step, softLogits: null, weights: null, gradJunior };
    expect(k.seniorStep(step)).toEqual(full.losses);
    expect(gradJunior).toEqual(full.step.gradJunior);
  });

  it.each([0, 65])("refuses %i teachers", (teachers) => {
    const k = kernels();
    const { step } = run(k, cases[1]!, inputs(cases[1]!));
    expect(() => k.seniorStep({ ...step, teachers })).toThrow(
      expect.objectContaining({ code: "KERNELS_BAD_SHAPE" }) as MuldeError,
    );
  });
});
