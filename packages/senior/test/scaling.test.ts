import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fixedWeights, noScaling, relationScaling, softmaxWeights } from "../src/index.js";
import { generator, uniform } from "./_steps.js";

describe("relationScaling", () => {
  it("starts with W = 1 everywhere, so with scales of sigmoid(1)", () => {
    const scaling = relationScaling({ relations: 4, teachers: 3 });
    const [W, ...others] = scaling.parameters();
    expect(others).toEqual([]);
    const value = new Float32Array(12).fill(1);
    expect(W).toEqual({ name: "scaling", rows: 4, width: 3, value, gradient: new Float32Array(12) });
    const scales = scaling.scales(Int32Array.of(3, 0), 3);
    // 1 / (1 + e^-1) = 1 / 1.36788 = .731059
    expect(Array.from(scales)).toEqual(new Array(6).fill(Math.fround(0.7310585786300049)));
  });

  it("reads the row of each query's relation", () => {
    const scaling = relationScaling({ relations: 2, teachers: 2 });
    // sigmoid(0) = 1/2, sigmoid(ln 3) = 3/4, sigmoid(-ln 3) = 1/4, sigmoid(ln 4) = 4/5
    scaling.parameters()[0]!.value.set([0, Math.log(3), -Math.log(3), Math.log(4)]);
    const scales = Array.from(scaling.scales(Int32Array.of(1, 0, 1), 2));
    [0.25, 0.8, 0.5, 0.75, 0.25, 0.8].forEach((scale, at) => expect(scales[at]).toBeCloseTo(scale, 6));
  });

  it("adds the gradient up per relation, in the relation's row alone", () => {
    const scaling = relationScaling({ relations: 3, teachers: 1, init: 0 });
    // At W = 0 the derivative of the sigmoid is 1/4: row 2 gets (8 + 4) / 4 = 3, row 0 gets -2 / 4.
    scaling.backward(Int32Array.of(2, 0, 2), Float32Array.of(8, -2, 4));
    expect(Array.from(scaling.parameters()[0]!.gradient)).toEqual([-0.5, 0, 3]);
    scaling.backward(Int32Array.of(1), Float32Array.of(4));
    expect(Array.from(scaling.parameters()[0]!.gradient)).toEqual([-0.5, 1, 3]);
    scaling.zeroGradients();
    expect(Array.from(scaling.parameters()[0]!.gradient)).toEqual([0, 0, 0]);
  });

  it("has the gradient that finite differences give", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer(),
        (teachers, B, seed) => {
          const random = generator(seed);
          const relations = Int32Array.from({ length: B }, () => Math.floor(5 * random()));
          const scaling = relationScaling({ relations: 5, teachers });
          const { value, gradient } = scaling.parameters()[0]!;
          value.set(uniform(random, value.length, -3, 3));
          const upstream = uniform(random, B * teachers, -1, 1);
          scaling.backward(relations, upstream);
          // L = sum over the batch of upstream * scale. float32 storage: h = 2^-6 is exact on the way in; the scales carry
          // 2^-25 each on the way out, 12 * 2^-25 / 2^-5 = 1e-5 in all, and h^2 / 6 * |sigmoid'''| <= 12 * 4e-5 / 8 = 6e-5.
          const loss = (): number =>
            scaling.scales(relations, teachers).reduce((sum, scale, at) => sum + scale * upstream[at]!, 0);
          value.forEach((start, at) => {
            value[at] = start + 2 ** -6;
            const [above, high] = [loss(), value[at]];
            value[at] = start - 2 ** -6;
            const [below, low] = [loss(), value[at]];
            value[at] = start;
            expect(Math.abs((above - below) / (high - low) - gradient[at]!)).toBeLessThan(1e-4);
          });
        },
      ),
      { numRuns: 50 },
    );
  });

  it("refuses a relation that does not exist and another number of teachers", () => {
    const scaling = relationScaling({ relations: 4, teachers: 2 });
    for (const id of [-1, 4]) {
      expect(() => scaling.scales(Int32Array.of(0, id), 2)).toThrow(`relations[1] is ${String(id)}`);
      expect(() => scaling.backward(Int32Array.of(id), new Float32Array(2))).toThrow(`relations[0] is ${String(id)}`);
    }
    expect(() => scaling.scales(Int32Array.of(0), 3)).toThrow("made for 2 teachers, but is used with 3");
    expect(() => scaling.scales(Int32Array.of(0), 3)).toThrow(expect.objectContaining({ code: "SENIOR_SHAPE" }));
    expect(() => scaling.scales(Int32Array.of(4), 2)).toThrow(expect.objectContaining({ code: "SENIOR_ID", value: 4 }));
    expect(() => scaling.backward(Int32Array.of(0), new Float32Array(3))).toThrow(
      "gradScales must hold B x m = 2 values",
    );
    expect(() => relationScaling({ relations: 0, teachers: 2 })).toThrow("relations must be");
    expect(() => relationScaling({ relations: 2, teachers: 1.5 })).toThrow("teachers must be");
    expect(() => relationScaling({ relations: 2, teachers: 0 })).toThrow(
      expect.objectContaining({ code: "SENIOR_SHAPE", value: 0 }),
    );
  });
});

describe("softmaxWeights", () => {
  it("starts with equal weights, and reads the row of each query's relation", () => {
    const scaling = softmaxWeights({ relations: 2, teachers: 2 });
    expect([...scaling.scales(Int32Array.of(0, 1), 2)]).toEqual([1, 1, 1, 1]);
    // softmax(ln 3, 0) = (3/4, 1/4), times m = 2
    scaling.parameters()[0]!.value.set([Math.log(3), 0], 2);
    [1, 1, 1.5, 0.5].forEach((g, i) => expect(scaling.scales(Int32Array.of(0, 1), 2)[i]).toBeCloseTo(g, 6));
  });

  it("is as exact for weights of any size", () => {
    const scaling = softmaxWeights({ relations: 2, teachers: 2 });
    scaling.parameters()[0]!.value.set([1000, 0, -1000, -1000]);
    expect([...scaling.scales(Int32Array.of(0, 1), 2)]).toEqual([2, 0, 1, 1]);
  });

  it("has the gradient that finite differences give", () => {
    const random = generator(5);
    const relations = Int32Array.of(0, 2, 2, 1);
    const scaling = softmaxWeights({ relations: 3, teachers: 3 });
    const { value, gradient } = scaling.parameters()[0]!;
    value.set(uniform(random, value.length, -2, 2));
    const upstream = uniform(random, 12, -1, 1);
    scaling.backward(relations, upstream);
    const loss = (): number => scaling.scales(relations, 3).reduce((sum, g, at) => sum + g * upstream[at]!, 0);
    value.forEach((start, at) => {
      value[at] = start + 2 ** -6;
      const above = loss();
      value[at] = start - 2 ** -6;
      const slope = (above - loss()) / 2 ** -5;
      value[at] = start;
      expect(Math.abs(slope - gradient[at]!)).toBeLessThan(5e-4);
    });
    expect(gradient.some((g) => Math.abs(g) > 0.1)).toBe(true);
  });
});

describe("fixedWeights", () => {
  it("are m times the weights, summing to m, for every query, and nothing is trained", () => {
    const scaling = fixedWeights([1, 3, 0]);
    expect([...scaling.scales(Int32Array.of(4, 7), 3)]).toEqual([0.75, 2.25, 0, 0.75, 2.25, 0]);
    expect(scaling.parameters()).toEqual([]);
  });

  it.each([[[0, 0]], [[1, -1]], [[2, -1]], [[NaN, 1]], [[Infinity, 1]], [[]]])("refuses %j", (weights) => {
    expect(() => fixedWeights(weights)).toThrow(
      expect.objectContaining({
        code: "SENIOR_WEIGHTS",
        message: `Weights must be finite, at least 0, and not all 0, but are ${weights.join(", ")}.`,
        value: weights,
      }),
    );
  });

  it("refuses another number of teachers", () => {
    expect(() => fixedWeights([1, 1]).scales(Int32Array.of(0), 3)).toThrow(/weights must hold m = 3/);
  });
});

describe("noScaling", () => {
  it("has scales of 1 and nothing to train", () => {
    const scaling = noScaling();
    expect(Array.from(scaling.scales(Int32Array.of(7, 9), 3))).toEqual([1, 1, 1, 1, 1, 1]);
    scaling.backward(Int32Array.of(7), new Float32Array(3));
    scaling.zeroGradients();
    expect(scaling.parameters()).toEqual([]);
  });
});
