import { queryBatch, rowStride } from "@mulde/kernels";
import { describe, expect, it } from "vitest";
import { trainingLayer } from "../../src/facts/query-layers.js";
import { lively } from "../_models.js";

const dim = 20;
const B = 50;
const regularizer = { name: "none", weight: 0, dropout: 0.3 } as const;

describe.each(["TransE", "TransH"])("dropout of %s's queries", (kind) => {
  it("leaves a part of the coordinates out, and their gradients, others at each step", async () => {
    const model = await lively({ model: kind, dim, entities: 5, relations: 1 });
    const layer = trainingLayer(model, { seed: 4, regularizer })!;
    const stride = rowStride(dim);
    const run = (step: number) => {
      const queries = queryBatch(model.kernels.engine, B, dim);
      queries.size = B;
      for (let b = 0; b < B; b++) queries.q.fill(0.1, b * stride, b * stride + dim);
      layer.begin(step, 2);
      layer.forward(queries);
      const dq = new Float32Array(queries.q).fill(1);
      layer.backward(queries, dq);
      return { queries, dq };
    };
    const { queries, dq } = run(7);
    const kept = kind === "TransE" ? 1 / 0.7 : 1;
    let dropped = 0;
    for (let b = 0; b < B; b++) {
      let square = 0;
      for (let i = b * stride; i < b * stride + dim; i++) {
        if (queries.q[i] === 0) dropped++;
        else expect(queries.q[i]).toBeCloseTo(0.1 * kept, 6);
        expect(dq[i]).toBeCloseTo(queries.q[i]! * 10, 5);
        square += queries.q[i]! ** 2;
      }
      expect(queries.square[b]).toBeCloseTo(square, 6);
      if (kind === "TransH") expect(queries.alpha[b]).toBeCloseTo(1 / (1 - square), 5);
    }
    // six standard deviations
    expect(Math.abs(dropped / (B * dim) - 0.3)).toBeLessThan(0.09);
    expect([...run(7).queries.q]).toEqual([...queries.q]);
    expect([...run(8).queries.q]).not.toEqual([...queries.q]);
    model.dispose();
  });
});

it("is nothing where no option asks for it", async () => {
  const model = await lively({ model: "TransE", dim, entities: 5, relations: 1 });
  expect(trainingLayer(model, { seed: 4, regularizer: { ...regularizer, dropout: 0 } })).toBeUndefined();
  model.dispose();
});

it("is dropout and DURA together, whose term of the loss is that of what dropout left", async () => {
  const model = await lively({ model: "TransE", dim, entities: 5, relations: 1 });
  const layer = trainingLayer(model, { seed: 4, regularizer: { ...regularizer, name: "DURA", weight: 0.5 } })!;
  const queries = queryBatch(model.kernels.engine, 2, dim);
  queries.size = 2;
  queries.q.fill(1, 0, dim);
  layer.begin(0, 2);
  layer.forward(queries);
  const square = queries.q.reduce((sum, x) => sum + x * x, 0);
  expect(layer.loss).toBeCloseTo((0.5 * square) / 2, 5);
  const dq = new Float32Array(queries.q.length);
  layer.backward(queries, dq);
  // d/dq of 0.5 |m q|^2 / 2 with m = 0 or 1 / 0.7
  expect(dq[3]).toBeCloseTo((0.5 * queries.q[3]!) / 0.7, 5);
  model.dispose();
});
