import { describe, expect, it } from "vitest";
import { flexibleAdd } from "../src/models/_flexible-addition.js";
import { createModel, loadTf, modelDefinition } from "../src/index.js";
import { backends } from "./_backends.js";

describe.each(backends)("the flexible addition on tfjs-%s", (backend) => {
  /** A sum with its gradients by x, y and a, for the sum of its coordinates. */
  async function add(x: [number, number], y: [number, number], a = 0) {
    const tf = await loadTf(backend);
    const values: number[][] = [];
    tf.tidy(() => {
      const inputs = [tf.tensor2d([x]), tf.tensor2d([y]), tf.tensor2d([[a]])];
      const sum = (...[u, v, w]: (typeof inputs)[number][]) => flexibleAdd(tf, u!, v!, w!);
      values.push([...sum(...inputs).dataSync()]);
      for (const gradient of tf.grads((...given) => tf.sum(sum(...(given as typeof inputs))))(inputs)) {
        values.push([...gradient.dataSync()]);
      }
    });
    return values as [sum: number[], byX: number[], byY: number[], byA: number[]];
  }

  it("is (1 + a)(x + y) / (1 + <x, y>)", async () => {
    // <x, y> = 0.25; the sum (1.5, 1) by 1.5 / 1.25.
    const [sum] = await add([0.5, 0.5], [1, -0.5], 0.5);
    [1.8, 0].forEach((value, i) => expect(sum[i]).toBeCloseTo(value, 6));
    expect((await add([0, 0], [3, -4]))[0]).toEqual([3, -4]);
  });

  it("is finite, continuous and of one direction where 1 + <x, y> passes 0", async () => {
    const lengths: number[] = [];
    for (const y of [-0.8999, -0.9, -0.9001, -1, -1.0001, -50]) {
      const [sum, ...gradients] = await add([1, 1], [y, 0]);
      for (const value of gradients.flat()) expect(Math.abs(value)).toBeLessThan(1000);
      expect(sum[1]).toBeGreaterThan(0);
      lengths.push(sum[1]!);
    }
    [9.99, 10, 10, 10, 10, 10].forEach((length, i) => expect(lengths[i]).toBeCloseTo(length, 2));
    // Under the floor it is 10 (1 + a)(x + y).
    const [, byX, byY, byA] = await add([1, 1], [-2, 0], 0.5);
    for (const slope of [...byX, ...byY]) expect(slope).toBeCloseTo(15, 4);
    expect(byA[0]).toBeCloseTo(0, 4);
  });
});

describe.each(["RotL", "Rot2L"])("%s", (name) => {
  it("starts with every alpha near 1", async () => {
    const model = await createModel({ model: name, dim: 4, entities: 3, relations: 200 });
    for (const table of Object.keys(modelDefinition(name).tables).filter((known) => /scale/i.test(known))) {
      for (const a of model.table(table).data) expect(Math.abs(a)).toBeLessThan(0.01);
    }
  });

  it("is RotE, and Rot2L RotE turned and moved once more, where products are small against 1", async () => {
    const tf = await loadTf("cpu");
    tf.tidy(() => {
      const tiny = (...values: number[]) => tf.tensor2d([values.map((x) => 1e-4 * x)]);
      const relation = {
        relation: tiny(1, 2),
        rotation: tiny(0, 1),
        scale: tf.tensor2d([[0]]),
        secondRotation: tiny(-1, 0),
        secondTranslation: tiny(5, 5),
        secondScale: tf.tensor2d([[0]]),
      };
      const q = modelDefinition(name)
        .encode(tf, { head: tiny(3, 4), relation, curvature: undefined })
        .dataSync();
      // (3, 4) turned by 90 degrees is (-4, 3), and (-3, 5) with (1, 2); turned by 180 and moved by (5, 5) it is (8, 0).
      const expected = name === "RotL" ? [-3, 5] : [8, 0];
      expected.forEach((value, i) => expect(q[i]! / 1e-4).toBeCloseTo(value, 4));
    });
  });
});
