// The reference must agree with known facts of hyperbolic geometry, so that it does not merely repeat the kernels.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  adam,
  bce,
  difference,
  distance,
  distanceByMobius,
  divergence,
  dot,
  encode,
  expmap0,
  maxRadius,
  mobiusAdd,
  project,
  rotate,
  reflect,
  softmax,
} from "./_reference.js";

const vector = fc
  .array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 })
  .map((values) => Float64Array.from(values));
const curvature = fc.double({ min: -3, max: 1, noNaN: true }).map((x) => 10 ** x);
const runs = { seed: 1, numRuns: 200 };
const negative = (x: Float64Array) => x.map((value) => -value);

describe("the reference geometry", () => {
  it("has two forms of the distance that agree away from the boundary", () => {
    fc.assert(
      fc.property(vector, vector, curvature, (u, v, c) => {
        const x = expmap0(
          u.map((value) => value / Math.sqrt(c)),
          c,
        );
        const y = expmap0(
          v.map((value) => value / Math.sqrt(c)),
          c,
        );
        expect(distanceByMobius(x, y, c)).toBeCloseTo(distance(x, y, c), 6);
        expect(distance(x, y, c)).toBeCloseTo(distance(y, x, c), 9);
      }),
      runs,
    );
  });

  it("puts expmap0(u) at distance 2|u| from the origin, where the metric is 4 times the Euclidean", () => {
    fc.assert(
      fc.property(vector, curvature, (u, c) => {
        const origin = new Float64Array(4);
        const expected = 2 * Math.min(Math.sqrt(dot(u, u)), Math.atanh(maxRadius) / Math.sqrt(c));
        expect(distance(origin, expmap0(u, c), c)).toBeCloseTo(expected, 6);
      }),
      runs,
    );
  });

  it("cancels on the left, -x (+) (x (+) y) = y, and keeps distances under translation", () => {
    fc.assert(
      fc.property(vector, vector, vector, (u, v, w) => {
        const [x, y, z] = [u, v, w].map((t) =>
          expmap0(
            t.map((value) => value / 2),
            1,
          ),
        ) as [Float64Array, Float64Array, Float64Array];
        mobiusAdd(negative(x), mobiusAdd(x, y, 1), 1).forEach((value, i) => expect(value).toBeCloseTo(y[i]!, 9));
        expect(distance(mobiusAdd(x, y, 1), mobiusAdd(x, z, 1), 1)).toBeCloseTo(distance(y, z, 1), 7);
      }),
      runs,
    );
  });

  it("tends to the Euclidean models as c goes to 0: d -> 2|x - y|, addition -> +", () => {
    const x = Float64Array.of(0.3, -0.2);
    const y = Float64Array.of(0.1, 0.5);
    expect(distance(x, y, 1e-9)).toBeCloseTo(2 * Math.hypot(0.2, 0.7), 6);
    mobiusAdd(x, y, 1e-9).forEach((value, i) => expect(value).toBeCloseTo(x[i]! + y[i]!, 6));
  });

  it("projects into the ball", () => {
    const x = project(Float64Array.of(3, 4), 4);
    expect(2 * Math.hypot(...x)).toBeCloseTo(maxRadius, 12);
    expect(project(Float64Array.of(0.1, 0.1), 1)).toEqual(Float64Array.of(0.1, 0.1));
  });

  it("rotates and reflects (1, 0) to (a, b); a reflection is its own inverse", () => {
    const r = Float64Array.of(3, 4);
    expect([...rotate(r, Float64Array.of(1, 0))]).toEqual([0.6, 0.8]);
    expect([...reflect(r, Float64Array.of(1, 0))]).toEqual([0.6, 0.8]);
    reflect(r, reflect(r, Float64Array.of(0.3, 0.7))).forEach((value, i) =>
      expect(value).toBeCloseTo([0.3, 0.7][i]!, 12),
    );
  });
});

describe("the reference encoders and losses", () => {
  it("encode known cases", () => {
    const rows = {
      relation: Float64Array.of(0.1, 0.2),
      rotation: Float64Array.of(0, 2),
      reflection: Float64Array.of(0, 2),
      innerTranslation: new Float64Array(2),
      context: Float64Array.of(50, 0),
      diagonal: Float64Array.of(2, 3),
    };
    const h = Float64Array.of(1, 0.5);
    const of = (name: Parameters<typeof encode>[0]) =>
      [...encode(name, h, rows, 1)].map((x) => expect.closeTo(x, 9) as number);
    expect([1.1, 0.7]).toEqual(of("TransE"));
    expect([0.1, 0.1]).toEqual(of("DistE"));
    expect([-0.4, 1.2]).toEqual(of("RotE"));
    expect([0.6, 1.2]).toEqual(of("RefE"));
    // (1 + 0.5i)(0.1 + 0.2i)
    expect([0, 0.25]).toEqual(of("ComplEx"));
    expect([0, 0.1]).toEqual(of("CP"));
    expect([0.05, 0.05]).toEqual(of("SimplE"));
    expect([-0.5, 1]).toEqual(of("RotatE"));
    expect([1.9, 1.3]).toEqual(of("MuRE"));
    // The context strongly favours the reflected head (0.5, 1).
    expect([0.6, 1.2]).toEqual(of("AttE"));
    // Without an inner translation, rotating a hyperbolic head equals mapping the rotated head.
    expect([...mobiusAdd(expmap0(Float64Array.of(-0.5, 1), 1), expmap0(rows.relation, 1), 1)]).toEqual(of("RotH"));
  });

  it("multiply quaternions by ij = k, jk = i, ki = j, with the opposite sign in reverse order", () => {
    const [one, i, j, k] = [0, 1, 2, 3].map((at) => new Float64Array(4).fill(1, at, at + 1)) as Float64Array[];
    const none = new Float64Array(4);
    const product = (x: Float64Array, y: Float64Array) =>
      encode(
        "QuatE",
        x,
        // Only the direction matters, not the length.
        {
          relation: y.map((value) => 3 * value),
          rotation: none,
          reflection: none,
          innerTranslation: none,
          context: none,
          diagonal: none,
        },
        1,
      );
    for (const [x, y, z] of [
      [i, j, k],
      [j, k, i],
      [k, i, j],
    ] as [Float64Array, Float64Array, Float64Array][]) {
      expect(dot(product(x, y), z)).toBe(1);
      expect(dot(product(y, x), z)).toBe(-1);
      expect(dot(product(x, x), one!)).toBe(-1);
      expect([...product(one!, x)]).toEqual([...product(x, one!)]);
    }
  });

  it("give hand-computed values", () => {
    expect(softmax(Float64Array.of(Math.log(1), Math.log(3)))[1]).toBeCloseTo(0.75, 12);
    expect(divergence(Float64Array.of(0, 0), Float64Array.of(0, Math.log(3)))).toBeCloseTo(0.5 * Math.log(4 / 3), 12);
    expect(bce(Float64Array.of(0, 0), 1, 2, Float64Array.of(1))).toBeCloseTo(3 * Math.LN2, 12);
    const p = Float64Array.of(1);
    const options = { learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 0, step: 1, weightDecay: 0 };
    adam(p, Float64Array.of(5), new Float64Array(1), new Float64Array(1), options);
    expect(p[0]).toBeCloseTo(0.9, 12);
    expect(difference(() => p[0]! ** 3, p, 0, 1e-3)).toBeCloseTo(3 * 0.81, 9);
  });
});
