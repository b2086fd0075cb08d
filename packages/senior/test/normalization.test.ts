import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  belowBest,
  noNormalization,
  noScaling,
  type Normalization,
  rankScores,
  Senior,
  seniorTeacher,
  type Teacher,
  uniformAttention,
  withTemperature,
  zScore,
} from "../src/index.js";
import { float64Kernels } from "./_float64.js";

/** One teacher, one query. */
function of(normalization: Normalization, row: readonly number[]): number[] {
  const out = new Float32Array(row.length);
  normalization.apply(Float32Array.from(row), { teachers: 1, B: 1, K: row.length }, out);
  return [...out];
}

function expectValues(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((value, i) => expect(actual[i]).toBeCloseTo(value, 5));
}

describe("normalization of one teacher's scores of a query", () => {
  it("z-score: mean 0, deviation 1", () => {
    // mean 4, deviation sqrt((9 + 1 + 1 + 9) / 4) = sqrt(5)
    expectValues(
      of(zScore(), [1, 3, 5, 7]),
      [-3, -1, 1, 3].map((x) => x / Math.sqrt(5)),
    );
  });

  it("z-score: zeros where all scores are the same, whatever their size", () => {
    for (const value of [0, 0.1, -3e7]) expect(of(zScore(), [value, value, value])).toEqual([0, 0, 0]);
  });

  it("z-score: zeros where scores differ by their float32 rounding alone", () => {
    for (const value of [1e-4, 1, -3e7]) {
      const next = value * (1 + 2 ** -23);
      expectValues(of(zScore(), [value, next, value]), [0, 0, 0]);
      // A thousand times as far apart, they are different scores.
      const [low, high] = of(zScore(), [value, value * (1 + 1e-4)]);
      expect([Math.sign(value) * low!, Math.sign(value) * high!]).toEqual([
        expect.closeTo(-1, 2),
        expect.closeTo(1, 2),
      ]);
    }
  });

  it("rankScores: a NaN stays one, in place too", () => {
    const row = Float32Array.of(3, NaN, 1);
    rankScores().apply(row, { teachers: 1, B: 1, K: 3 }, row);
    expect(row[1]).toBeNaN();
  });

  it("belowBest: 0 for the best, the differences kept", () => {
    expectValues(of(belowBest(), [2, -1, 2, 0.5]), [0, -3, 0, -1.5]);
  });

  it("rankScores: -log of the rank, ties share the mean one", () => {
    // ranks 4, 1, 2.5, 2.5
    expectValues(
      of(rankScores(), [-7, 9, 1, 1]),
      [4, 1, 2.5, 2.5].map((r) => -Math.log(r)),
    );
  });

  it("noNormalization: as they are", () => {
    expect(of(noNormalization(), [3, -1])).toEqual([3, -1]);
  });

  it.each([zScore, belowBest, rankScores])("%o passes a NaN on, for the Senior to name its teacher", (make) => {
    const senior = new Senior({ teachers: 1, relations: 2, kernels: float64Kernels, normalization: make() });
    const step = () =>
      senior.softLogits({
        epoch: 0,
        relations: Int32Array.of(0),
        teacherScores: Float32Array.of(1, NaN, 0),
        juniorScores: Float32Array.of(0, 0, 0),
        B: 1,
        K: 3,
      });
    expect(step).toThrow(/Teacher 0 gave NaN for query 0, candidate 1/);
  });

  it.each([zScore, rankScores])("%o does not see a teacher's scale and offset, and keeps its order", (make) => {
    const row = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 2, maxLength: 9 });
    fc.assert(
      fc.property(row, fc.constantFrom(0.5, 2, 8), fc.integer({ min: -9, max: 9 }), (scores, scale, offset) => {
        const plain = of(make(), scores);
        expectValues(
          of(
            make(),
            scores.map((s) => scale * s + offset),
          ),
          plain,
        );
        scores.forEach((s, i) => scores.forEach((t, j) => s > t && expect(plain[i]).toBeGreaterThan(plain[j]!)));
      }),
    );
  });

  it("takes every teacher's row of every query by itself, in place too", () => {
    const scores = Float32Array.of(1, 2, 30, 10, -1, -1, 0, 5);
    const shape = { teachers: 2, B: 2, K: 2 };
    const out = new Float32Array(8);
    belowBest().apply(scores, shape, out);
    expect([...out]).toEqual([-1, 0, 0, -20, 0, 0, -5, 0]);
    for (const normalization of [zScore(), belowBest(), rankScores(), noNormalization()]) {
      normalization.apply(scores, shape, out);
      const same = scores.slice();
      normalization.apply(same, shape, same);
      expect([...same]).toEqual([...out]);
    }
  });
});

describe("a Senior that normalizes", () => {
  const batch = {
    epoch: 0,
    relations: Int32Array.of(0),
    teacherScores: Float32Array.of(-1, -3, 400, 600),
    juniorScores: Float32Array.of(0, 0),
    B: 1,
    K: 2,
  };
  const senior = new Senior({
    teachers: 2,
    relations: 2,
    kernels: float64Kernels,
    normalization: zScore(),
    scaling: noScaling(),
    attention: uniformAttention(),
  });

  it("lets teachers of other scales count alike", () => {
    // z-scores (1, -1) and (-1, 1): they cancel.
    expectValues([...senior.softLogits(batch).softLogits], [0, 0]);
    expect([...batch.teacherScores]).toEqual([-1, -3, 400, 600]);
  });

  it("normalizes as a teacher, too", async () => {
    const teacher = (scores: readonly number[]): Teacher => ({
      name: "t",
      score: (_h, _r, _c, out) => out.set(scores),
    });
    const merged = seniorTeacher(senior, [teacher([-1, -3]), teacher([600, 400])]);
    const out = new Float32Array(2);
    await merged.score(Int32Array.of(0), Int32Array.of(0), Int32Array.of(3, 4), out);
    expectValues([...out], [1, -1]);
  });
});

describe("withTemperature", () => {
  const plain: Teacher = { name: "plain", writesAll: true, score: (_h, _r, c, out) => out.set(c) };

  it("divides a teacher's scores", async () => {
    const cool = withTemperature(plain, 4);
    expect(cool).toMatchObject({ name: "plain", writesAll: true });
    const out = new Float32Array(3);
    await cool.score(Int32Array.of(0), Int32Array.of(0), Int32Array.of(2, 4, 8), out);
    expect([...out]).toEqual([0.5, 1, 2]);
  });

  it.each([0, -1, NaN, Infinity])("refuses %d", (temperature) => {
    expect(() => withTemperature(plain, temperature)).toThrow(/teacher "plain" must be a finite number above 0/);
    expect(() => withTemperature(plain, temperature)).toThrow(
      expect.objectContaining({ code: "SENIOR_TEMPERATURE", value: temperature }),
    );
  });
});
