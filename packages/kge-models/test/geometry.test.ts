import type * as tfjs from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import {
  expmap0,
  givensReflection,
  givensRotation,
  hyperbolicDistance,
  mobiusAdd,
  MuldeError,
  project,
  similarity,
  type Tensor,
} from "../src/index.js";
import { backends } from "./_backends.js";
import { Random } from "./_random.js";
import { Ball, dot, norm, reflection, rotation, turn } from "./_reference.js";
import { loadTfjs, real } from "./_tfjs.js";

describe.each(backends)("the Poincare ball on tfjs-%s", (backend) => {
  let tf: typeof tfjs;
  beforeAll(async () => {
    tf = await loadTfjs(backend);
  });

  const rows = (x: Tensor): number[][] => x.arraySync() as number[][];

  it("expmap0 agrees with hand-computed values", () => {
    tf.tidy(() => {
      // c = 4, u = (0.3, 0.4): sqrt(c)|u| = 1, so |x| = tanh(1) / 2.
      const [point] = rows(expmap0(tf, tf.tensor2d([[0.3, 0.4]]), tf.scalar(4)));
      expect(point![0]).toBeCloseTo(0.3 * Math.tanh(1), 6);
      expect(point![1]).toBeCloseTo(0.4 * Math.tanh(1), 6);
      expect(rows(expmap0(tf, tf.zeros([1, 3]), tf.scalar(4)))).toEqual([[0, 0, 0]]);
    });
  });

  it("expmap0 is smooth where its series gives way to tanh", () => {
    const norms = Array.from({ length: 200 }, (_, i) => Math.fround(0.25 + i * 0.0005));
    tf.tidy(() => {
      const points = rows(expmap0(tf, tf.tensor2d(norms.map((x) => [x])), tf.scalar(1)));
      // Three roundings of a value below 0.35.
      norms.forEach((x, i) => expect(Math.abs(points[i]![0]! - Math.tanh(x))).toBeLessThan(3 * 2 ** -25));
    });
  });

  it("project leaves inner points alone and pulls the others to (1 - 1e-5) / sqrt(c)", () => {
    tf.tidy(() => {
      const x = tf.tensor2d([
        [0.1, -0.2],
        [0.3, 0.4],
        [3, 4],
        [0, 0],
      ]);
      const projected = rows(project(tf, x, tf.scalar(4)));
      expect(projected[0]).toEqual(rows(x)[0]);
      expect(norm(projected[1]!)).toBeCloseTo((1 - 1e-5) / 2, 6);
      expect(projected[2]![0]).toBeCloseTo(0.3 * (1 - 1e-5), 6);
      expect(projected[3]).toEqual([0, 0]);
    });
  });

  it("mobiusAdd agrees with the textbook's quotient, even for x near -y at the boundary", () => {
    const norms = fc.double({ min: 0, max: 1 - 2e-5, noNaN: true });
    fc.assert(
      fc.property(
        fc.integer(),
        fc.constantFrom(1e-3, 0.1, 1, 5),
        norms,
        norms,
        fc.boolean(),
        (seed, c, a, b, opposite) => {
          tf.tidy(() => {
            const random = new Random(seed);
            const x = random.vector(4, a / Math.sqrt(c));
            const y = opposite ? x.map((v) => -v) : random.vector(4, b / Math.sqrt(c));
            const curvature = Math.fround(c);
            const ball = new Ball(curvature);
            const expected = ball.add(x, y);
            const [sum] = rows(mobiusAdd(tf, tf.tensor2d([x]), tf.tensor2d([y]), tf.tensor1d([curvature])));
            const gaps = [x, y].map((v) => 1 - curvature * dot(v, v));
            const error = (Math.sqrt(curvature) * norm(sum!.map((v, i) => v - expected[i]!))) / 2 ** -24;
            expect(error).toBeLessThan(8 * (1 / gaps[0]! + 1 / gaps[1]!));
          });
        },
      ),
      { numRuns: 200 },
    );
  });

  it("x (+) 0 = x = 0 (+) x, and -x (+) x = 0", () => {
    tf.tidy(() => {
      const c = tf.scalar(2);
      const x = real(expmap0(tf, tf.tensor2d([new Random(3).vector(8, 1)]), c));
      const zero = tf.zerosLike(x);
      const close = (actual: Tensor, expected: Tensor): void =>
        expect(tf.max(tf.abs(tf.sub(real(actual), real(expected)))).arraySync() as number).toBeLessThan(1e-6);
      close(mobiusAdd(tf, x, zero, c), x);
      close(mobiusAdd(tf, zero, x, c), x);
      expect(rows(mobiusAdd(tf, tf.neg(x), x, c))).toEqual(rows(zero));
    });
  });

  it("the distance is that of the artanh form, zero at equal points, and takes any curvature's shape", () => {
    const random = new Random(11);
    const x = [random.vector(6, 0.5), random.vector(6, 0.9)];
    const y = [random.vector(6, 0.7), random.vector(6, 0.2)];
    tf.tidy(() => {
      const [a, b] = [tf.tensor2d(x), tf.tensor2d(y)];
      for (const c of [tf.scalar(1), tf.tensor1d([1]), tf.tensor2d([[1], [1]])]) {
        const distances = hyperbolicDistance(tf, a, b, c).arraySync() as number[];
        distances.forEach((d, i) => expect(d).toBeCloseTo(new Ball(1).distance(x[i]!, y[i]!), 4));
        expect(Math.max(...(hyperbolicDistance(tf, a, a, c).arraySync() as number[]))).toBeLessThan(1e-14);
      }
    });
  });

  it("as c goes to 0 the distance becomes 2|x - y|", () => {
    tf.tidy(() => {
      const distance = hyperbolicDistance(tf, tf.tensor2d([[3, 0]]), tf.tensor2d([[0, 4]]), tf.scalar(1e-9));
      expect(distance.arraySync()).toEqual([expect.closeTo(10, 5)]);
    });
  });

  it("rotations and reflections turn pairs as their matrices do and keep lengths", () => {
    const random = new Random(5);
    const r = [random.vector(6, 1), random.vector(6, 1e-3)];
    const x = [random.vector(6, 2), random.vector(6, 0.5)];
    tf.tidy(() => {
      const [directions, vectors] = [tf.tensor2d(r), tf.tensor2d(x)];
      const turned = [rows(givensRotation(tf, directions, vectors)), rows(givensReflection(tf, directions, vectors))];
      [rotation, reflection].forEach((matrix, which) => {
        x.forEach((vector, i) => {
          turn(r[i]!, vector, matrix).forEach((v, j) => expect(turned[which]![i]![j]).toBeCloseTo(v, 5));
          expect(norm(turned[which]![i]!)).toBeCloseTo(norm(vector), 5);
        });
      });
      // A reflection is its own inverse.
      const back = rows(givensReflection(tf, directions, tf.tensor2d(turned[1]!)));
      back.flat().forEach((v, i) => expect(v).toBeCloseTo(x.flat()[i]!, 5));
    });
  });

  it.each(["hyperbolic", "euclidean", "dot"] as const)(
    "the %s similarity is the same for all entities as for candidates",
    (kind) => {
      const random = new Random(9);
      tf.tidy(() => {
        const query = tf.tensor2d([random.vector(4, 0.5), random.vector(4, 0.3)]);
        const entities = tf.tensor2d(Array.from({ length: 5 }, () => random.vector(4, 2)));
        const candidates = tf.tile(tf.expandDims(entities, 0), [2, 1, 1]);
        for (const c of [tf.scalar(0.5), tf.tensor1d([0.5]), tf.tensor2d([[0.5], [1.5]])]) {
          const all = similarity(tf, kind, query, entities, c);
          expect(all.shape).toEqual([2, 5]);
          expect(all.arraySync()).toEqual(similarity(tf, kind, query, candidates as never, c).arraySync());
        }
      });
    },
  );

  it("the dot similarity and its gradient are the plain ones", () => {
    tf.tidy(() => {
      const entities = tf.tensor2d([
        [1, 2],
        [-3, 0.5],
      ]);
      const query = tf.tensor2d([[2, 4]]);
      expect(similarity(tf, "dot", query, entities).arraySync()).toEqual([[10, -4]]);
      const gradient = tf.grad((q) => tf.sum(real(similarity(tf, "dot", q, entities))))(query);
      expect(gradient.arraySync()).toEqual([[-2, 2.5]]);
    });
  });

  it("the hyperbolic similarity without a curvature is an error", () => {
    tf.tidy(() => {
      const x = tf.tensor2d([[0, 0]]);
      expect(() => similarity(tf, "hyperbolic", x, x)).toThrow(MuldeError);
    });
  });
});
