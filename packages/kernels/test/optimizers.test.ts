import { describe, expect, it } from "vitest";
import { Random } from "../src/index.js";
import { onEveryEngine } from "./_engines.js";
import { copy, ints } from "./_model.js";
import * as reference from "./_reference.js";

const modes = ["dense", "rows", "sparse"] as const;
type Mode = (typeof modes)[number];

/** Three steps of random gradients by some of the rows: as a dense table, and as rows. */
function gradients(rows: number, dim: number, mode: Mode) {
  const random = new Random(rows + dim);
  return [1, 2, 3].map((step) => {
    const ids = Array.from({ length: rows }, (_, i) => i).filter(
      (i) => mode === "dense" || (i + step) % 3 === 0 || rows === 1,
    );
    const given = Float64Array.from({ length: ids.length * dim }, () =>
      Math.fround(random.normal() * 10 ** (4 * random.uniform() - 3)),
    );
    const dense = new Float64Array(rows * dim);
    ids.forEach((id, i) => dense.set(given.subarray(i * dim, (i + 1) * dim), id * dim));
    return { ids, given, dense };
  });
}

/** The largest error, relative to 1 + the size of the value. */
function error(actual: Float32Array, expected: Float64Array): number {
  let worst = 0;
  actual.forEach((value, i) => {
    const difference = Math.abs(value - expected[i]!) / (1 + Math.abs(expected[i]!));
    worst = Number.isNaN(difference) ? Infinity : Math.max(worst, difference);
  });
  return worst;
}

// Three float32 steps: each rounds a parameter of size 1 by 6e-8, and the step by a few times that.
const tolerance = 1e-6;

onEveryEngine((kernels) => {
  describe.each(modes)("with %s gradients", (mode) => {
    it.each([
      [1, 1],
      [7, 5],
      [300, 17],
      [40, 64],
    ])("of %i x %i", (rows, dim) => {
      const k = kernels();
      const start = Float64Array.from({ length: rows * dim }, (_, i) => Math.fround(Math.sin(i)));
      const adam = { learningRate: 0.05, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1 };
      const adagrad = { learningRate: 0.05, epsilon: 1e-8, weightDecay: 0.1 };
      const length = rows * dim;
      const [p, m, v] = [start.slice(), new Float64Array(length), new Float64Array(length)];
      const [p2, sum] = [start.slice(), new Float64Array(length)];
      const [kp, km, kv] = [copy(k, start), k.engine.float32(length), k.engine.float32(length)];
      const [kp2, ksum] = [copy(k, start), k.engine.float32(length)];
      gradients(rows, dim, mode).forEach(({ ids, given, dense }, i) => {
        // The reference moves everything, or each given row. Adagrad never moves a row without a gradient.
        const touched = mode === "sparse" ? ids : Array.from({ length: rows }, (_, row) => row);
        const view = (x: Float64Array, row: number) => x.subarray(row * dim, (row + 1) * dim);
        for (const row of touched) {
          reference.adam(view(p, row), view(dense, row), view(m, row), view(v, row), { ...adam, step: i + 1 });
        }
        for (const row of ids) reference.adagrad(view(p2, row), view(dense, row), view(sum, row), adagrad);
        const update = {
          rows,
          dim,
          ids: mode === "dense" ? null : ints(k, ids),
          count: ids.length,
          sparse: mode === "sparse",
          gradient: copy(k, given),
        };
        k.adam({ ...update, parameters: kp }, { first: km, second: kv }, { ...adam, step: i + 1 });
        k.adagrad({ ...update, parameters: kp2 }, { sum: ksum }, adagrad);
      });
      expect(error(kp, p), "adam").toBeLessThan(tolerance);
      expect(error(km, m), "first moment").toBeLessThan(tolerance);
      expect(error(kv, v), "second moment").toBeLessThan(tolerance);
      expect(error(kp2, p2), "adagrad").toBeLessThan(tolerance);
      expect(error(ksum, sum), "sum of squares").toBeLessThan(tolerance);
    });
  });

  describe.each(modes)("with %s gradients, one of which is not finite", (mode) => {
    it.each([
      [1, 1],
      [7, 5],
      [300, 17],
      [40, 64],
    ])("of %i x %i, says so wherever it is", (rows, dim) => {
      const k = kernels();
      const { ids, given } = gradients(rows, dim, mode)[0]!;
      const adam = { learningRate: 0.05, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, step: 1, weightDecay: 0 };
      const state = () => new Float32Array(rows * dim);
      const finite = (gradient: Float32Array) => {
        const table = { rows, dim, ids: mode === "dense" ? null : ints(k, ids), count: ids.length };
        const update = { ...table, sparse: mode === "sparse", gradient };
        return [
          k.adam({ ...update, parameters: state() }, { first: state(), second: state() }, adam),
          k.adagrad({ ...update, parameters: state() }, { sum: state() }, adam),
        ];
      };
      expect(finite(copy(k, given))).toEqual([true, true]);
      for (const odd of [NaN, Infinity, -Infinity, 1e20, -3e38]) {
        for (const at of new Set([0, 1, given.length >> 1, given.length - 2, given.length - 1])) {
          if (at < 0 || at >= given.length) continue;
          const spoilt = copy(k, given);
          spoilt[at] = odd;
          expect(finite(spoilt), `${odd} at ${at}`).toEqual([false, false]);
          spoilt[at] = 1e18;
          expect(finite(spoilt)).toEqual([true, true]);
        }
      }
    });
  });

  it("moves rows without a gradient by their momentum, except when sparse", () => {
    const k = kernels();
    const options = { learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };
    for (const sparse of [false, true]) {
      const state = { first: k.engine.float32(4), second: k.engine.float32(4) };
      const parameters = k.engine.float32(4);
      const update = { rows: 2, dim: 2, count: 1, sparse, parameters };
      k.adam({ ...update, ids: ints(k, [0]), gradient: copy(k, [1, -1]) }, state, { ...options, step: 1 });
      expect([...parameters]).toEqual([-0.1, 0.1, 0, 0].map((x) => expect.closeTo(x, 6) as number));
      k.adam({ ...update, ids: ints(k, [1]), gradient: copy(k, [1, 1]) }, state, { ...options, step: 2 });
      if (sparse) expect(parameters[0]).toBeCloseTo(-0.1, 6);
      else expect(parameters[0]).toBeLessThan(-0.15);
      expect(parameters[2]).toBeLessThan(0);
    }
  });

  it("adds rows in the order of the batch, including repeated ones", () => {
    const k = kernels();
    const table = copy(k, [1, 1, 1, 1, 1, 1]);
    k.addRows(3, 2, ints(k, [2, 0, 2]), copy(k, [1, 2, 3, 4, 5, 6]), table);
    expect([...table]).toEqual([4, 5, 1, 1, 7, 9]);
  });
});
