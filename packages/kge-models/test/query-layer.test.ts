import { type QueryBatch, rowStride } from "@mulde/kernels";
import { describe, expect, it } from "vitest";
import { AllPass, CandidatePass, type KgeModel, type QueryLayer } from "../src/index.js";
import { dense, lively, slopes, type Tables, tablesOf } from "./_passes.js";

const dim = 6;
const shape = { dim, entities: 7, relations: 2 };
const heads = Int32Array.from([0, 3, 6]);
const relations = Int32Array.from([0, 3, 1]);
const candidates = Int32Array.from([1, 2, 0, 5, 4, 3]);
const labels = { offsets: Int32Array.from([0, 1, 3, 4]), ids: Int32Array.from([2, 0, 5, 6]) };

/** Scales every coordinate of a point by a factor of its own, as dropout does. */
class Factors implements QueryLayer {
  constructor(readonly hyperbolic: boolean) {}
  #factor(i: number): number {
    return [0.5, 0, 1, 0.75, 1, 0.25][i % 6]!;
  }
  forward({ size, q, square, alpha }: QueryBatch): void {
    const stride = rowStride(dim);
    for (let b = 0; b < size; b++) {
      let sum = 0;
      for (let k = 0; k < dim; k++) {
        q[b * stride + k]! *= this.#factor(b + k);
        sum += q[b * stride + k]! ** 2;
      }
      square[b] = sum;
      if (this.hyperbolic) alpha[b] = 1 / (1 - sum);
    }
  }
  backward({ size }: QueryBatch, dq: Float32Array): void {
    const stride = rowStride(dim);
    for (let b = 0; b < size; b++) for (let k = 0; k < dim; k++) dq[b * stride + k]! *= this.#factor(b + k);
  }
}

/** Finite differences of a loss by the model's own parameters, in the float32 of the kernels. */
function numeric(model: KgeModel, loss: () => number): Tables {
  const now = tablesOf(model);
  const set = (tables: Tables): void => {
    for (const [name, values] of Object.entries(tables)) model.table(name).data.set(values);
    model.touch();
  };
  const found = slopes(
    now,
    (tables) => {
      set(tables);
      return loss();
    },
    1e-2,
  );
  set(now);
  return found;
}

/** Differences of float32 scores know a gradient to some 1 %, and no better than their rounding. */
function expectNear(actual: readonly number[], expected: readonly number[], table: string): void {
  const allowed = 0.015 * Math.max(...expected.map(Math.abs)) + 3e-5;
  actual.forEach((x, i) => expect(Math.abs(x - expected[i]!), table).toBeLessThan(allowed));
}

describe.each(["RotE", "TransH"])("a layer between %s's queries and the similarity", (name) => {
  it("is seen by the scores and by every gradient from candidates", async () => {
    const model = await lively({ ...shape, model: name });
    const plain = new CandidatePass(model, 3, 2);
    const pass = new CandidatePass(model, 3, 2, new Factors(model.hyperbolic));
    const loss = () => pass.forward(heads, relations, candidates).reduce((sum, s, i) => sum + s * (i + 1), 0);
    const expected = numeric(model, loss);
    expect([...pass.forward(heads, relations, candidates)]).not.toEqual([
      ...plain.forward(heads, relations, candidates),
    ]);
    loss();
    const gradients = pass.backward(Float32Array.from([1, 2, 3, 4, 5, 6]));
    for (const [table, gradient] of gradients) {
      const { rows, width } = model.table(table);
      expectNear(dense(gradient, rows, width), expected[table]!, table);
    }
  });

  it.each(["softmax", "logistic"] as const)("is seen by the %s loss over all entities", async (kind) => {
    const model = await lively({ ...shape, model: name });
    const pass = new AllPass(model, 3, new Factors(model.hyperbolic));
    const run = () => pass.loss(heads, relations, labels, { kind, smoothing: 0.1 });
    const expected = numeric(model, () => run().loss);
    for (const [table, gradient] of run().gradients) {
      const { rows, width } = model.table(table);
      const actual = dense(gradient, rows, width);
      if (kind === "softmax" && table === "headBias") expect(actual.every((x) => x === 0)).toBe(true);
      else expectNear(actual, expected[table]!, table);
    }
  });
});
