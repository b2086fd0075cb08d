import { expect, it } from "vitest";
import { createKernels, freeAll, plan as newPlan, pointTable, queryBatch, rowStride } from "../src/index.js";
import type { Kernels, MuldeError } from "../src/index.js";
import { counting } from "./_counting.js";
import { engines, onEveryEngine } from "./_engines.js";
import { copy, encodeQueries, entityPoints, ints, randomModel, tables } from "./_model.js";

const failure = (code: string) => expect.objectContaining({ name: "MuldeError", code }) as MuldeError;

onEveryEngine((kernels) => {
  const setting = (k: Kernels) => {
    const model = randomModel({
      encoder: "RotH",
      similarity: "hyperbolic",
      dim: 6,
      entities: 9,
      relations: 2,
      curvature: 1,
      radius: 1,
      seed: 1,
    });
    const t = tables(k, model);
    const heads = ints(k, [1, 2, 3]);
    const relations = ints(k, [0, 1, 0]);
    return {
      model,
      t,
      heads,
      relations,
      queries: encodeQueries(k, model, t, heads, relations),
      points: entityPoints(k, model, t, null, true),
    };
  };

  it("makes zeroed arrays, in WebAssembly from the start of a cache line", () => {
    const { engine, kind } = kernels();
    for (const length of [0, 1, 5, 1000, 100_000]) {
      for (const array of [engine.float32(length), engine.int32(length), engine.float64(length)]) {
        expect(array).toHaveLength(length);
        expect(array.every((value) => value === 0)).toBe(true);
        if (kind === "wasm") expect(array.byteOffset % 64).toBe(0);
        engine.free(array);
      }
    }
    engine.free(null, new Float32Array(3));
  });

  it("zeroes freed memory before it reuses it, in WebAssembly", () => {
    const { engine, kind } = kernels();
    if (kind === "native") return;
    const used = engine.float32(1000).fill(3);
    engine.free(used);
    const again = engine.float32(1000);
    expect(again.byteOffset).toBe(used.byteOffset);
    expect(again.every((value) => value === 0)).toBe(true);
    engine.free(again);
  });

  it("keeps arrays valid while it makes and frees others", () => {
    const { engine } = kernels();
    const early = engine.float32(1000).fill(7);
    // More than WebAssembly's initial memory, so that it grows.
    const large = engine.float32(6_000_000);
    large[5_999_999] = 1;
    expect(early.every((value) => value === 7)).toBe(true);
    const ids = ints(kernels(), [0]);
    kernels().addRows(1, 1000, ids, early, large.subarray(0, 1000));
    expect(large[999]).toBe(7);
    early[0] = 2;
    kernels().addRows(1, 1000, ids, early, large);
    expect(large[0]).toBe(9);
    engine.free(early, large, ids);
  });

  it("takes other arrays too, with the same results", () => {
    const k = kernels();
    const { model, t, heads, relations, queries } = setting(k);
    const foreign = {
      size: 3,
      dim: 6,
      q: new Float32Array(3 * rowStride(6)),
      square: new Float32Array(3),
      alpha: new Float32Array(3),
      curvature: new Float32Array(queries.curvature!),
      headBias: new Float32Array(queries.headBias!),
    };
    const plain = { ...t, entity: new Float32Array(model.entity), rotation: new Float32Array(model.tables.rotation) };
    // A view of a larger buffer.
    const buffer = new Int32Array([9, 9, ...heads, 9]);
    k.encode(plain, buffer.subarray(2, 5), new Int32Array(relations), foreign);
    expect([...foreign.q]).toEqual([...queries.q]);
    expect([...foreign.square, ...foreign.alpha]).toEqual([...queries.square, ...queries.alpha]);
    expect([...buffer]).toEqual([9, 9, ...heads, 9]);
  });

  it("frees every array of a batch, a table or a plan", () => {
    const { engine, live } = counting(kernels().engine);
    const owners = [queryBatch(engine, 500, 64), pointTable(engine, 1500, 64, true), newPlan(engine, 100, 10)];
    expect(live.size).toBe(5 + 5 + 4);
    for (const owner of owners) freeAll(engine, owner);
    expect(live.size).toBe(0);
  });

  it("refuses invalid dimensions", () => {
    const k = kernels();
    const { t, heads, relations, queries, points } = setting(k);
    for (const dim of [0, -2, 2.5, 2000, NaN]) {
      expect(() => k.encode({ ...t, dim }, heads, relations, queries)).toThrow(failure("KERNELS_BAD_SHAPE"));
      expect(() => k.points("dot", t.entity, null, 1, null, { ...points, dim })).toThrow(failure("KERNELS_BAD_SHAPE"));
    }
    expect(() => k.encode({ ...t, dim: 5 }, heads, relations, queries)).toThrow(failure("KERNELS_BAD_SHAPE"));
  });

  it("works with the largest dimension", () => {
    const k = kernels();
    const model = randomModel({
      encoder: "AttH",
      similarity: "hyperbolic",
      dim: 1024,
      entities: 3,
      relations: 1,
      curvature: 1,
      radius: 1,
      seed: 2,
    });
    const t = tables(k, model);
    const queries = encodeQueries(k, model, t, ints(k, [0, 1]), ints(k, [0, 0]));
    const points = entityPoints(k, model, t, null, true);
    const scores = copy(k, new Array(6).fill(NaN));
    k.scoreAll("hyperbolic", queries, points, scores);
    expect(scores.every(Number.isFinite)).toBe(true);
  });
});

it.each(engines)("a closed engine still works, on the caller's thread ($name)", async ({ options, threads }) => {
  const kernels = await createKernels({ ...options, threads: threads.at(-1)! });
  await kernels.engine.close();
  const table = copy(kernels, [1]);
  kernels.addRows(1, 1, ints(kernels, [0]), copy(kernels, [2]), table);
  expect(table[0]).toBe(3);
});
