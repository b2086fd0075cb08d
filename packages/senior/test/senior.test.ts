import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  contrastAttention,
  noScaling,
  relationScaling,
  Senior,
  uniformAttention,
  uniformAverage,
  type SeniorBatch,
  type SeniorKernels,
  type SeniorOptions,
  type SeniorStep,
  type SeniorStepArguments,
} from "../src/index.js";
import { float64Kernels } from "./_float64.js";
import { generator, uniform } from "./_steps.js";

const kernels = float64Kernels;
const LN3 = Math.log(3);

/**
 * One query, two candidates. softmax(0, ln 3) = (1/4, 3/4), softmax(ln 3, 0) = (3/4, 1/4). Teacher 0 agrees with the Junior:
 * D_0 = 0. Teacher 1 is its mirror: D_1 = 1/4 ln(1/4 / 3/4) + 3/4 ln(3/4 / 1/4) = ln(3) / 2.
 */
function handComputed(changes: Partial<SeniorStep> = {}): SeniorStep {
  return {
    epoch: 0,
    relations: Int32Array.of(1),
    teacherScores: Float32Array.of(0, LN3, LN3, 0),
    juniorScores: Float32Array.of(0, LN3),
    targets: Int32Array.of(1),
    softWeight: 0.5,
    gradJunior: new Float32Array(2),
    B: 1,
    K: 2,
    ...changes,
  };
}

function unscaled(options: Partial<SeniorOptions> = {}): Senior {
  return new Senior({ teachers: 2, relations: 2, kernels, scaling: noScaling(), ...options });
}

function expectValues(actual: ArrayLike<number>, expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  // Six digits: what is written out below, and what float32 holds.
  expected.forEach((value, at) => expect(actual[at]).toBeCloseTo(value, 5));
}

describe("the Senior, computed by hand", () => {
  it("weights the teachers by their divergence from the Junior", () => {
    // a_0 / a_1 = exp(D_1) = sqrt(3): a = (.633975, .366025). s_soft = (a_1 ln 3, a_0 ln 3).
    const { weights, softLogits } = unscaled().softLogits(handComputed());
    expectValues(weights, [0.633975, 0.366025]);
    expectValues(softLogits, [0.40212, 0.696492]);
  });

  it("lets the weights become equal over the epochs", () => {
    // a_0 = 1 / (1 + exp(-D_1 / tau)) with D_1 = .549306 and tau = e^1 = 2.718282: sigmoid(.202079) = .550349
    expectValues(unscaled().softLogits(handComputed({ epoch: 5 })).weights, [0.550349, 0.449651]);
    // tau = e^5 = 148.413: sigmoid(.00370120) = .500925
    expectValues(unscaled().softLogits(handComputed({ epoch: 25 })).weights, [0.500925, 0.499075]);
    expect(Array.from(unscaled().softLogits(handComputed({ epoch: 5000 })).weights)).toEqual([0.5, 0.5]);
  });

  it("gives both losses, the Junior's gradient and the attention weights", () => {
    const weights = new Float32Array(2);
    const step = handComputed({ weights });
    const { softLoss, seniorLoss } = unscaled().step(step);
    expectValues(weights, [0.633975, 0.366025]);
    // p = softmax(s_soft) = sigmoid(-+ (a_0 - a_1) ln 3) = sigmoid(-+ .294372) = (.426934, .573066), q = (1/4, 3/4)
    // KL(p || q) = .426934 ln(.426934 / .25) + .573066 ln(.573066 / .75) = .228481 - .154196 = .074285
    expect(softLoss).toBeCloseTo(0.074285, 5);
    // (softplus(.402120) + softplus(.696492) - .696492) / 2 = (.914285 + 1.100844 - .696492) / 2
    expect(seniorLoss).toBeCloseTo((Math.log1p(Math.exp(0.40212)) + Math.log1p(Math.exp(-0.696492))) / 2, 5);
    // lambda (q - p) = .5 (.25 - .426934)
    expectValues(step.gradJunior, [-0.088467, 0.088467]);
  });

  it("counts no candidate as true where the target is -1", () => {
    const { seniorLoss } = unscaled().step(handComputed({ targets: Int32Array.of(-1) }));
    // As above without the - .696492: (softplus(.402120) + softplus(.696492)) / 2
    expect(seniorLoss).toBeCloseTo((Math.log1p(Math.exp(0.40212)) + Math.log1p(Math.exp(0.696492))) / 2, 5);
  });

  it("softens both labels by T and puts T^2 before the loss", () => {
    // Uniform weights: s_soft = (ln 3 / 2, ln 3 / 2), p = (1/2, 1/2). s_J / 2 = (0, ln sqrt 3), q = (1, sqrt 3) / (1 + sqrt 3)
    // = (.366025, .633975). 4 KL = 4 (ln(.5 / .366025) + ln(.5 / .633975)) / 2 = 2 (.311906 - .237400) = .149010
    const step = handComputed();
    const { softLoss } = unscaled({ attention: uniformAttention(), temperature: 2 }).step(step);
    expect(softLoss).toBeCloseTo(0.14901, 5);
    // lambda T (q - p) = .5 * 2 (.366025 - .5)
    expectValues(step.gradJunior, [-0.133975, 0.133975]);
  });

  it("trains W's row of the query's relation, on L_senior alone if told so", () => {
    // W = 0: scales 1/2. Uniform weights: s_soft = (1/2)(1/2)(s_0 + s_1) = (ln 3 / 4, ln 3 / 4) = (.274653, .274653).
    // dL_senior/ds_soft = (sigmoid(.274653) - (0, 1)) / 2 = (.284118, -.215882); sigmoid = .568235.
    // dL/dg_0 = 1/2 (ln 3 * -.215882) = -.118585, dL/dg_1 = 1/2 (ln 3 * .284118) = .156068; times sigmoid' = 1/4.
    const options = { attention: uniformAttention(), trainOnSoftLabels: false };
    const senior = unscaled({ ...options, scaling: relationScaling({ relations: 2, teachers: 2, init: 0 }) });
    senior.step(handComputed());
    expectValues(senior.parameters()[0]!.gradient, [0, 0, -0.029646, 0.039017]);
    // With the soft labels: p = (1/2, 1/2), ln p - ln q = (ln 2, ln(2/3)), KL = (ln 2 + ln(2/3)) / 2 = .143841,
    // dL_soft/ds_soft = 1/2 (.693147 - .143841, -.405465 - .143841) = (.274653, -.274653);
    // dL_soft/dg = 1/2 ln 3 (-.274653, .274653) = (-.150868, .150868); times lambda / 4 = (-.018859, .018859).
    const both = new Senior({
      teachers: 2,
      relations: 2,
      kernels,
      attention: uniformAttention(),
      scaling: relationScaling({ relations: 2, teachers: 2, init: 0 }),
    });
    both.step(handComputed());
    expectValues(both.parameters()[0]!.gradient, [0, 0, -0.048505, 0.057876]);
  });

  it("averages over the batch", () => {
    const once = handComputed();
    const twice = handComputed({
      relations: Int32Array.of(1, 1),
      teacherScores: Float32Array.of(0, LN3, 0, LN3, LN3, 0, LN3, 0),
      juniorScores: Float32Array.of(0, LN3, 0, LN3),
      targets: Int32Array.of(1, 1),
      gradJunior: new Float32Array(4),
      B: 2,
    });
    const [a, b] = [unscaled().step(once), unscaled().step(twice)];
    expect(b.softLoss).toBeCloseTo(a.softLoss, 12);
    expect(b.seniorLoss).toBeCloseTo(a.seniorLoss, 12);
    expectValues(twice.gradJunior, [-0.044233, 0.044233, -0.044233, 0.044233]);
  });
});

describe("the Senior, composed", () => {
  it("is the paper's unless told otherwise: W = 1, contrast attention, T = 1, trained on soft labels", () => {
    const byDefault = new Senior({ teachers: 2, relations: 2, kernels });
    const spelledOut = new Senior({
      teachers: 2,
      relations: 2,
      kernels,
      scaling: relationScaling({ relations: 2, teachers: 2, init: 1 }),
      attention: contrastAttention(),
      temperature: 1,
      trainOnSoftLabels: true,
    });
    expect(byDefault.step(handComputed())).toEqual(spelledOut.step(handComputed()));
    expect(byDefault.parameters()).toEqual(spelledOut.parameters());
    expectValues(byDefault.scales(Int32Array.of(0)), [0.731059, 0.731059]);
  });

  it("is a uniform average in its trivial form", () => {
    const average = uniformAverage({ teachers: 2, relations: 2, kernels });
    const { weights, softLogits } = average.softLogits(handComputed({ teacherScores: Float32Array.of(1, 2, 5, -8) }));
    expect(Array.from(weights)).toEqual([0.5, 0.5]);
    expect(Array.from(softLogits)).toEqual([3, -3]);
    expect(average.parameters()).toEqual([]);
  });

  it("overwrites the gradients of the last step", () => {
    const senior = new Senior({ teachers: 2, relations: 2, kernels });
    senior.step(handComputed());
    const first = Array.from(senior.parameters()[0]!.gradient);
    senior.step(handComputed());
    expect(Array.from(senior.parameters()[0]!.gradient)).toEqual(first);
    senior.step(handComputed({ relations: Int32Array.of(0) }));
    expect(Array.from(senior.parameters()[0]!.gradient.subarray(2))).toEqual([0, 0]);
  });

  it("leaves the gradients alone for a step that teaches the scaling nothing", () => {
    const senior = new Senior({ teachers: 2, relations: 2, kernels });
    senior.parameters()[0]!.gradient.fill(7);
    const step = handComputed({ learns: false });
    senior.step(step);
    expect(Array.from(senior.parameters()[0]!.gradient)).toEqual([7, 7, 7, 7]);
    expect(step.gradJunior[0]).not.toBe(0);
  });

  it("asks for soft logits without a true answer", () => {
    const targets: Int32Array[] = [];
    const watching = {
      seniorStep: (step: SeniorStepArguments) => (targets.push(step.targets), kernels.seniorStep(step)),
    };
    unscaled({ kernels: watching }).softLogits(handComputed());
    expect(targets).toEqual([Int32Array.of(-1)]);
  });

  it("trains nothing while only asked for soft logits", () => {
    const senior = new Senior({ teachers: 2, relations: 2, kernels });
    senior.softLogits(handComputed());
    expect(Array.from(senior.parameters()[0]!.gradient)).toEqual([0, 0, 0, 0]);
  });

  it("learns, by plain descent on W, to trust the teacher that is right", () => {
    // Teacher 0 scores the true tail high, teacher 1 low, in every query.
    const senior = new Senior({ teachers: 2, relations: 2, kernels, attention: uniformAttention() });
    const W = senior.parameters()[0]!;
    const before = senior.step(
      handComputed({ teacherScores: Float32Array.of(-4, 4, 4, -4), softWeight: 0 }),
    ).seniorLoss;
    let after = before;
    for (let n = 0; n < 50; n++) {
      after = senior.step(handComputed({ teacherScores: Float32Array.of(-4, 4, 4, -4), softWeight: 0 })).seniorLoss;
      W.gradient.forEach((g, at) => (W.value[at]! -= g));
    }
    expect(after).toBeLessThan(before - 0.1);
    expect(W.value[2]).toBeGreaterThan(W.value[3]! + 1);
    expect(Array.from(W.value.subarray(0, 2))).toEqual([1, 1]);
  });
});

describe("the Senior, for any number of teachers", () => {
  const batches = fc
    .record({
      B: fc.integer({ min: 1, max: 4 }),
      K: fc.integer({ min: 2, max: 12 }),
      m: fc.integer({ min: 1, max: 6 }),
      epoch: fc.constantFrom(0, 5, 25, 5000),
      seed: fc.integer(),
    })
    .map(({ B, K, m, epoch, seed }) => {
      const random = generator(seed);
      const batch: SeniorBatch = {
        epoch,
        relations: Int32Array.from({ length: B }, () => Math.floor(6 * random())),
        teacherScores: uniform(random, m * B * K, -10, 2),
        juniorScores: uniform(random, B * K, -10, 2),
        B,
        K,
      };
      return { batch, m, random };
    });

  it("has weights that are positive and sum to 1", () => {
    fc.assert(
      fc.property(batches, ({ batch, m }) => {
        const { weights } = new Senior({ teachers: m, relations: 6, kernels }).softLogits(batch);
        for (let b = 0; b < batch.B; b++) {
          const row = Array.from(weights.subarray(b * m, (b + 1) * m));
          expect(Math.min(...row)).toBeGreaterThanOrEqual(0);
          // m float32 roundings.
          expect(Math.abs(row.reduce((sum, weight) => sum + weight, 0) - 1)).toBeLessThan(1e-6);
        }
      }),
    );
  });

  it("gives more weight to the teacher that is closer to the Junior, less so in later epochs", () => {
    fc.assert(
      fc.property(batches, fc.double({ min: 0, max: 0.9, noNaN: true }), ({ batch, random }, share) => {
        // Teacher 1 is the Junior plus noise, teacher 0 the Junior plus `share` of the same noise. KL(p || softmax(s + x n)) is
        // convex in x with its minimum 0 at x = 0, so teacher 0 is the closer one.
        const { B, K, juniorScores } = batch;
        const noise = uniform(random, B * K, -3, 3);
        const near = juniorScores.map((score, at) => score + share * noise[at]!);
        const far = juniorScores.map((score, at) => score + noise[at]!);
        const teacherScores = Float32Array.of(...near, ...far);
        const senior = new Senior({ teachers: 2, relations: 6, kernels, scaling: noScaling() });
        const early = senior.softLogits({ ...batch, teacherScores, epoch: 0 }).weights;
        const late = senior.softLogits({ ...batch, teacherScores, epoch: 10 }).weights;
        for (let b = 0; b < B; b++) {
          expect(early[2 * b]).toBeGreaterThanOrEqual(late[2 * b]!);
          expect(late[2 * b]).toBeGreaterThanOrEqual(late[2 * b + 1]!);
        }
      }),
    );
  });

  it("has a soft loss of 0 and no gradient for a Junior that equals its soft logits", () => {
    fc.assert(
      fc.property(batches, fc.constantFrom(0.5, 1, 4), ({ batch, m }, temperature) => {
        const senior = uniformAverage({ teachers: m, relations: 6, kernels, temperature });
        const { B, K } = batch;
        const juniorScores = senior.softLogits(batch).softLogits;
        const gradJunior = new Float32Array(B * K).fill(NaN);
        const targets = new Int32Array(B).fill(-1);
        const { softLoss } = senior.step({ ...batch, juniorScores, targets, softWeight: 1, gradJunior });
        // The soft logits were rounded to float32 once: errors of 1e-6 in the logits, squared in the loss.
        expect(Math.abs(softLoss)).toBeLessThan(1e-9);
        expect(Math.max(...gradJunior.map(Math.abs))).toBeLessThan(1e-5);
      }),
    );
  });

  it("has a Junior gradient that sums to 0 over the candidates, and none for softWeight 0", () => {
    fc.assert(
      fc.property(batches, ({ batch, m }) => {
        const senior = new Senior({ teachers: m, relations: 6, kernels });
        const { B, K } = batch;
        const targets = Int32Array.from({ length: B }, (_, b) => (b % 2 === 0 ? -1 : K - 1));
        const gradJunior = new Float32Array(B * K);
        const losses = senior.step({ ...batch, targets, softWeight: 1, gradJunior });
        expect(losses.softLoss).toBeGreaterThanOrEqual(0);
        expect(losses.seniorLoss).toBeGreaterThan(0);
        for (let b = 0; b < B; b++) {
          const sum = gradJunior.subarray(b * K, (b + 1) * K).reduce((total, x) => total + x, 0);
          expect(Math.abs(sum)).toBeLessThan(1e-6);
        }
        senior.step({ ...batch, targets, softWeight: 0, gradJunior });
        expect(gradJunior.every((x) => x === 0)).toBe(true);
      }),
    );
  });
});

describe("the Senior, given bad input", () => {
  const senior = new Senior({ teachers: 2, relations: 2, kernels });
  const bad: readonly [string, Partial<SeniorStep>, string, string][] = [
    ["no query", { B: 0 }, "SENIOR_SHAPE", "B must be a whole number"],
    ["a fractional K", { K: 1.5 }, "SENIOR_SHAPE", "K must be a whole number"],
    ["too few relations", { relations: new Int32Array(0) }, "SENIOR_SHAPE", "relations must hold B = 1"],
    [
      "one teacher's scores missing",
      { teacherScores: new Float32Array(2) },
      "SENIOR_SHAPE",
      "teacherScores must hold m x B x K = 4",
    ],
    [
      "too many Junior scores",
      { juniorScores: new Float32Array(3) },
      "SENIOR_SHAPE",
      "juniorScores must hold B x K = 2",
    ],
    ["too many targets", { targets: new Int32Array(2) }, "SENIOR_SHAPE", "targets must hold B = 1"],
    ["a short gradJunior", { gradJunior: new Float32Array(1) }, "SENIOR_SHAPE", "gradJunior"],
    ["an unknown relation", { relations: Int32Array.of(2) }, "SENIOR_ID", "relations[0] is 2"],
    ["a target beyond K", { targets: Int32Array.of(2) }, "SENIOR_ID", "targets[0] is 2"],
    ["a target below -1", { targets: Int32Array.of(-2) }, "SENIOR_ID", "targets[0] is -2"],
    ["an infinite weight", { softWeight: Infinity }, "SENIOR_SOFT_WEIGHT", "Infinity"],
    ["too many attention weights", { weights: new Float32Array(3) }, "SENIOR_SHAPE", "weights must hold B x m = 2"],
    ["a negative weight", { softWeight: -1 }, "SENIOR_SOFT_WEIGHT", "-1"],
    ["a NaN weight", { softWeight: NaN }, "SENIOR_SOFT_WEIGHT", "NaN"],
    ["a negative epoch", { epoch: -1 }, "SENIOR_EPOCH", "-1"],
    [
      "NaN of a teacher",
      { teacherScores: Float32Array.of(0, 0, 0, NaN) },
      "SENIOR_TEACHER_NOT_FINITE",
      "Teacher 1 gave NaN for query 0, candidate 1",
    ],
    [
      "infinity of the Junior",
      { juniorScores: Float32Array.of(0, Infinity) },
      "SENIOR_NOT_FINITE",
      "The Junior gave Infinity",
    ],
  ];

  it.each(bad)("says what is wrong with %s and leaves the gradients alone", (_, changes, code, text) => {
    const gradient = senior.parameters()[0]!.gradient.fill(7);
    expect(() => senior.step(handComputed(changes))).toThrow(
      expect.objectContaining({ name: "MuldeError", code, message: expect.stringContaining(text) as string }),
    );
    expect(Array.from(gradient)).toEqual([7, 7, 7, 7]);
  });

  it("refuses a temperature that is not above 0, and counts below 1", () => {
    for (const temperature of [0, -1, NaN, Infinity]) {
      expect(() => unscaled({ temperature })).toThrow(
        expect.objectContaining({
          code: "SENIOR_TEMPERATURE",
          value: temperature,
          message: `temperature must be a finite number above 0, but is ${String(temperature)}.`,
        }),
      );
    }
    for (const count of ["teachers", "relations"] as const) {
      expect(() => unscaled({ [count]: 0 })).toThrow(
        expect.objectContaining({
          code: "SENIOR_SHAPE",
          message: expect.stringMatching(
            new RegExp(`^${count} must be a whole number of at least 1 .*, but is 0\\.$`),
          ) as string,
        }),
      );
    }
    expect(() => unscaled().step(handComputed({ softWeight: -2 }))).toThrow(expect.objectContaining({ value: -2 }));
  });

  it("refuses a relation beyond 2R whatever the scaling, and a scaling of another size", () => {
    expect(() => unscaled().scales(Int32Array.of(1, 2))).toThrow(
      expect.objectContaining({ code: "SENIOR_ID", message: expect.stringContaining("relations[1] is 2") as string }),
    );
    const short = { ...noScaling(), scales: () => new Float32Array(1) };
    expect(() => unscaled({ scaling: short }).scales(Int32Array.of(0))).toThrow(
      "The scaling's scales must hold B x m = 2 values, but holds 1",
    );
  });

  it("names the query and the candidate of a score that is not finite", () => {
    const batch = {
      relations: Int32Array.of(0, 1),
      targets: Int32Array.of(0, 0),
      B: 2,
      K: 3,
      gradJunior: new Float32Array(6),
    };
    const with1 = (length: number, at: number): Float32Array => new Float32Array(length).fill(NaN, at, at + 1);
    expect(() =>
      unscaled().step(handComputed({ ...batch, teacherScores: with1(12, 11), juniorScores: new Float32Array(6) })),
    ).toThrow(
      expect.objectContaining({
        code: "SENIOR_TEACHER_NOT_FINITE",
        value: { teacher: 1, query: 1, candidate: 2, score: NaN },
        message: expect.stringContaining("Teacher 1 gave NaN for query 1, candidate 2") as string,
      }),
    );
    const junior = { ...batch, teacherScores: new Float32Array(12), juniorScores: with1(6, 5) };
    expect(() => unscaled().step(handComputed(junior))).toThrow(
      expect.objectContaining({
        code: "SENIOR_NOT_FINITE",
        value: { query: 1, candidate: 2, score: NaN },
        message: expect.stringContaining("The Junior gave NaN for query 1, candidate 2") as string,
      }),
    );
  });

  it("says so if a loss or a gradient is not finite although all scores are ordinary", () => {
    const overflowing = { seniorStep: () => ({ softLoss: Infinity, seniorLoss: 1 }) };
    const spoilt: SeniorKernels = {
      seniorStep: ({ gradScales }) => {
        gradScales[1] = NaN;
        return { softLoss: 1, seniorLoss: 1 };
      },
    };
    for (const own of [overflowing, spoilt]) {
      expect(() => unscaled({ kernels: own }).step(handComputed({}))).toThrow(
        expect.objectContaining({
          code: "SENIOR_NOT_FINITE",
          message: expect.stringContaining("although all scores are") as string,
        }),
      );
    }
  });

  it("names the largest of scores that are finite but too large", () => {
    const step = handComputed({ teacherScores: Float32Array.of(1, 1e30, -3e38, 1) });
    const overflowing = { seniorStep: () => ({ softLoss: Infinity, seniorLoss: 1 }) };
    expect(() => unscaled({ kernels: overflowing }).step(step)).toThrow(
      expect.objectContaining({
        code: "SENIOR_TEACHER_TOO_LARGE",
        value: { teacher: 1, query: 0, candidate: 0, score: Math.fround(-3e38) },
        message: expect.stringContaining("Teacher 1 gave -3") as string,
      }),
    );
    // The first of several.
    const alike = handComputed({ teacherScores: new Float32Array(4).fill(1e30) });
    expect(() => unscaled({ kernels: overflowing }).step(alike)).toThrow(
      expect.objectContaining({
        value: { teacher: 0, query: 0, candidate: 0, score: Math.fround(1e30) },
        message: expect.stringContaining("normalize them") as string,
      }),
    );
  });

  it("calls a teacher's scores too large from where all of that size add up to the most that a query may have", () => {
    const overflowing = { seniorStep: () => ({ softLoss: NaN, seniorLoss: NaN }) };
    // Four scores of 5e11 have squares that add up to 1e24.
    for (const [score, code] of [
      [6e11, "SENIOR_TEACHER_TOO_LARGE"],
      [4e11, "SENIOR_NOT_FINITE"],
    ] as const) {
      const step = handComputed({ teacherScores: Float32Array.of(0, 0, score, 0) });
      expect(() => unscaled({ kernels: overflowing }).step(step)).toThrow(expect.objectContaining({ code }));
    }
  });
});
