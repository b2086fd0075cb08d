import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encoderNames, rowStride } from "../src/index.js";
import type { EncoderName, Kernels } from "../src/index.js";
import { onEveryEngine } from "./_engines.js";
import { addEncoderGradients, addRow, encoderGradients, zeroGradients } from "./_gradients.js";
import {
  copy,
  curvatureOf,
  encodeQueries,
  ints,
  isHyperbolic,
  multipleOf,
  query,
  randomModel,
  similaritiesOf,
  tables,
  tablesOf,
} from "./_model.js";
import type { Model } from "./_model.js";
import { difference, dot, maxRadius } from "./_reference.js";

/** The query in the coordinates of the kernels: those of the unit ball where hyperbolic. */
function unitQuery(model: Model, head: number, relation: number): Float64Array {
  const s = isHyperbolic(model.encoder) ? Math.sqrt(curvatureOf(model, relation)) : 1;
  return query(model, head, relation).map((value) => s * value);
}

const shapes = (encoder: EncoderName, radius: number) =>
  fc
    .record({
      dim: fc.integer({ min: 1, max: Math.floor(70 / multipleOf(encoder)) }).map((n) => multipleOf(encoder) * n),
      curvature: fc.double({ min: -3, max: 1, noNaN: true }).map((x) => 10 ** x),
      radius: fc.double({ min: 1e-4, max: radius, noNaN: true }),
      perRelation: fc.boolean(),
      seed: fc.integer({ min: 0 }),
    })
    .map(({ perRelation, ...shape }) =>
      randomModel({
        ...shape,
        encoder,
        similarity: isHyperbolic(encoder) && perRelation ? "relationHyperbolic" : similaritiesOf(encoder)[0]!,
        entities: 5,
        relations: 4,
      }),
    );

const heads = [0, 4, 2];
const relations = [3, 0, 1];
// All engines check the same models.
const runs = { numRuns: 15, seed: 20 };

/** Checks encodeBackward, with some dL/dq, against finite differences. */
function checkGradients(k: Kernels, model: Model): void {
  const t = tables(k, model);
  const q = encodeQueries(k, model, t, ints(k, heads), ints(k, relations));
  const stride = rowStride(model.dim);
  const dq = copy(
    k,
    Float64Array.from({ length: 3 * stride }, (_, i) => Math.sin(7 * i + model.seed)),
  );
  const batch = { heads, relations, candidates: [], K: 0, gradScores: [] };
  const rows = encoderGradients(k, model, t, batch, q, dq);
  const gradients = zeroGradients(model);
  heads.forEach((h, b) => addRow(gradients.entity, model.dim, h, rows.head, b));
  addEncoderGradients(gradients, model, batch, rows, k.engine.float64(3));

  const loss = () =>
    heads.reduce((sum, h, b) => {
      const row = unitQuery(model, h, relations[b]!);
      return sum + row.reduce((inner, value, i) => inner + dq[b * stride + i]! * value, 0);
    }, 0);
  const s = isHyperbolic(model.encoder) ? Math.sqrt(model.curvature) : 1;
  const check = (name: string, x: Float64Array, gradient: Float64Array, h: number) => {
    const scale = gradient.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
    const step = Math.max(1, Math.floor(x.length / 8));
    for (let i = 0; i < x.length; i += step) {
      // Outputs round once, by 6e-8. The rest is the error of the differences: the loss is known to about 1e-14, which the stencil divides by h.
      const tolerance = 1e-6 * scale + 1e-12 / h;
      expect(Math.abs(gradient[i]! - difference(loss, x, i, h)), `${name} ${i}`).toBeLessThan(tolerance);
    }
  };
  check("entity", model.entity, gradients.entity, 1e-4 / s);
  for (const name of tablesOf(model.encoder)) {
    const isPoint = name === "relation" || name === "innerTranslation";
    check(name, model.tables[name], gradients[name], isPoint ? 1e-4 / s : 1e-4);
  }
  if (isHyperbolic(model.encoder)) check("c", model.c, gradients.c, 1e-4 * model.curvature);
}

onEveryEngine((kernels) => {
  it.each([
    ["TransH", 0.25],
    ["DistH", 0.04],
  ] as const)("%s has the gradients of queries that were projected to the boundary, c = %d", (encoder, curvature) => {
    const shape = { similarity: "hyperbolic", dim: 6, entities: 5, relations: 4, radius: 3, seed: 6 } as const;
    const model = randomModel({ ...shape, encoder, curvature });
    // Far translations of far heads in the same direction leave the ball, and so do products of long vectors with sqrt(c) < 1.
    model.entity.forEach((value, i) => (model.entity[i] = Math.fround(Math.abs(value) / 10 + 2)));
    model.tables.relation.fill(4);
    heads.forEach((h, b) => {
      const q = unitQuery(model, h, relations[b]!);
      expect(dot(q, q)).toBeCloseTo(maxRadius ** 2, 9);
    });
    checkGradients(kernels(), model);
  });

  describe.each(encoderNames)("%s", (encoder) => {
    it("follows the formula, up to the boundary of the ball", () => {
      fc.assert(
        fc.property(shapes(encoder, 8), (model) => {
          const k = kernels();
          const out = encodeQueries(k, model, tables(k, model), ints(k, heads), ints(k, relations));
          const stride = rowStride(model.dim);
          heads.forEach((h, b) => {
            const expected = unitQuery(model, h, relations[b]!);
            const square = dot(expected, expected);
            // Encoders compute in float64 and return float32, so an entry rounds once, by 6e-8 of itself.
            for (let i = 0; i < stride; i++) {
              const value = i < model.dim ? expected[i]! : 0;
              expect(Math.abs(out.q[b * stride + i]! - value)).toBeLessThanOrEqual(1e-7 * Math.abs(value) + 1e-12);
            }
            expect(Math.abs(out.square[b]! - square)).toBeLessThanOrEqual(1e-7 * square);
            const alpha = isHyperbolic(encoder) ? 1 / (1 - square) : 1;
            // 1 - |q|^2 is at least 2e-5, of which float64 loses 1e-11.
            expect(Math.abs(out.alpha[b]! / alpha - 1)).toBeLessThan(2e-7);
          });
        }),
        runs,
      );
    });

    it("has the gradients of finite differences", () => {
      fc.assert(
        fc.property(shapes(encoder, 4), (model) => checkGradients(kernels(), model)),
        runs,
      );
    });

    it("is finite at the origin", () => {
      const k = kernels();
      const model = randomModel({
        encoder,
        similarity: similaritiesOf(encoder)[0]!,
        dim: 8,
        entities: 2,
        relations: 1,
        curvature: 1,
        radius: 1,
        seed: 1,
      });
      model.entity.fill(0);
      model.entity.fill(1e-25, 8);
      for (const table of Object.values(model.tables)) table.fill(0);
      const t = tables(k, model);
      const q = encodeQueries(k, model, t, ints(k, [0, 1]), ints(k, [0, 0]));
      const batch = { heads: [0, 1], relations: [0, 0], candidates: [], K: 0, gradScores: [] };
      const rows = encoderGradients(k, model, t, batch, q, copy(k, new Array(32).fill(1)));
      for (const array of [q.q, q.square, q.alpha, ...Object.values<ArrayLike<number> | null>({ ...rows })]) {
        expect(Array.from(array ?? []).every(Number.isFinite)).toBe(true);
      }
      // dq/dh is the identity at the origin, times sqrt(c) = 1.
      if (encoder === "TransE" || encoder === "TransH") expect([...rows.head]).toEqual(new Array(16).fill(1));
    });
  });
});
