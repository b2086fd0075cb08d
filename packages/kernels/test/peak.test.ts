import { expect, it } from "vitest";
import { pointTable, queryBatch, rowStride } from "../src/index.js";
import { onEveryEngine } from "./_engines.js";

const lanes: Readonly<Record<string, number>> = { avx512: 16, avx2: 8, neon: 4, wasm: 4 };

onEveryEngine((kernels) => {
  it("peak() halves its sums' distances to 1, and counts two operations per lane and iteration", () => {
    const k = kernels();
    for (const [threads, iterations] of [
      [1, 1],
      [2, 3],
      [3, 100],
    ] as const) {
      const { operations, sum } = k.peak(threads, iterations);
      const sums = operations / (2 * lanes[k.isa]! * iterations * threads);
      expect(sums).toBeGreaterThanOrEqual(8);
      const expected = sums + (sums * (sums + 1)) / 2 / 2 ** iterations;
      expect(sum).toBeCloseTo(threads * lanes[k.isa]! * expected, 4);
    }
  });

  it("peak() refuses invalid sizes", () => {
    for (const [threads, iterations] of [
      [0, 1],
      [1.5, 1],
      [1, 0],
      [1, 2 ** 31],
    ] as const) {
      expect(() => kernels().peak(threads, iterations)).toThrow(expect.objectContaining({ code: "KERNELS_BAD_SHAPE" }));
    }
  });

  it("products() are inner products of queries and entities", () => {
    const k = kernels();
    // Four entities fit a vector of any instruction set, so all of them count.
    const [batch, n, dim] = [70, 4, 20];
    const queries = queryBatch(k.engine, batch, dim);
    const points = pointTable(k.engine, n, dim, true);
    const table = k.engine.float32(n * dim).map((_, i) => Math.sin(i));
    k.points("dot", table, null, 1, null, points);
    let expected = 0;
    for (let b = 0; b < batch; b++) {
      for (let i = 0; i < dim; i++) {
        const q = Math.fround(Math.cos(b + 70 * i));
        queries.q[b * rowStride(dim) + i] = q;
        for (let e = 0; e < n; e++) expected += q * table[e * dim + i]!;
      }
    }
    expect(k.products(queries, points)).toBeCloseTo(expected, 3);
  });
});
