import { expect, it } from "vitest";
import { createKernels, Kernels, type MuldeError } from "../src/index.js";
import { counting } from "./_counting.js";
import { engines, onEveryEngine } from "./_engines.js";
import { copy, ints } from "./_model.js";

const freed = (path: string[]) => expect.objectContaining({ code: "KERNELS_FREED", path }) as MuldeError;

onEveryEngine((kernels) => {
  const add = (k: Kernels, source: Float32Array, table: Float32Array) => {
    k.addRows(1, 4, new Int32Array(1), source, table);
  };

  it("freeing an array twice does not free another's memory", () => {
    const { engine } = kernels();
    const a = engine.float32(100);
    engine.free(a);
    const b = engine.float32(100);
    engine.free(a);
    const c = engine.float32(100);
    b.fill(1);
    c.fill(2);
    expect([...b]).toEqual(new Array(100).fill(1));
    engine.free(a, b, b, c);
  });

  it("refuses a freed array, and names the argument", () => {
    const k = kernels();
    const { engine } = k;
    const [source, table] = [copy(k, [1, 2, 3, 4]), copy(k, [0, 0, 0, 0])];
    add(k, source, table);
    engine.free(source);
    expect(() => add(k, source, table)).toThrow(freed(["addRows", "source"]));
    // Also after its memory is reused.
    const other = copy(k, [5, 6, 7, 8]);
    expect(() => add(k, source, table)).toThrow(freed(["addRows", "source"]));
    add(k, other, table);
    expect([...table]).toEqual([6, 8, 10, 12]);
    engine.free(table);
    expect(() => add(k, other, table)).toThrow(freed(["addRows", "table"]));
  });

  it("makes no array of a length that arrays cannot have, and none that does not fit", () => {
    const { engine } = kernels();
    const before = engine.bytesInUse();
    for (const type of ["float32", "int32", "float64"] as const) {
      for (const length of [-1, 1.5, NaN, Infinity]) {
        expect(() => engine[type](length)).toThrow(
          expect.objectContaining({ code: "KERNELS_BAD_SHAPE", value: length }) as MuldeError,
        );
      }
      expect(() => engine[type](2 ** 50)).toThrow(
        expect.objectContaining({ code: "KERNELS_OUT_OF_MEMORY" }) as MuldeError,
      );
      engine.free(engine[type](0));
    }
    expect(engine.bytesInUse()).toBe(before);
    // The memory is as it was: new arrays are zeros, and do not overlap.
    const [a, b] = [engine.float32(50).fill(1), engine.float32(50)];
    expect([...b]).toEqual(new Array(50).fill(0));
    engine.free(a, b);
  });

  it("counts the bytes of its arrays, each once", () => {
    const { engine } = kernels();
    const before = engine.bytesInUse();
    const [a, b, c] = [engine.float32(10), engine.int32(3), engine.float64(2)];
    expect(engine.bytesInUse() - before).toBe(40 + 12 + 16);
    engine.free(a, a, null, new Float32Array(9), b.subarray(1));
    expect(engine.bytesInUse() - before).toBe(12 + 16);
    engine.free(a, b, c);
    expect(engine.bytesInUse()).toBe(before);
  });

  it("does not free views of its arrays, or other arrays", () => {
    const k = kernels();
    const { engine } = k;
    const [source, table] = [copy(k, [1, 2, 3, 4]), new Float32Array(4)];
    engine.free(source.subarray(0), table, null);
    const other = engine.float32(4).fill(9);
    add(k, source, table);
    add(k, source.subarray(0, 4), table);
    expect([...table]).toEqual([2, 4, 6, 8]);
    expect([...other]).toEqual([9, 9, 9, 9]);
  });

  it("reads and writes the same array in one call, whoever made it", () => {
    const k = kernels();
    for (const scores of [copy(k, [1, 2, 3, 4]), Float32Array.of(1, 2, 3, 4)]) {
      const options = { positiveWeight: 1, negativeWeight: 1, adversarial: 0 };
      const gradient = new Float32Array(4);
      const loss = k.bce(2, 2, Float32Array.from(scores), options, gradient);
      expect(k.bce(2, 2, scores, options, scores)).toBe(loss);
      expect([...scores]).toEqual([...gradient]);
    }
  });

  it("a refused call changes nothing and leaks no memory", () => {
    const k = kernels();
    const table = Float32Array.of(1, 2, 3, 4);
    const before = k.engine.float32(1);
    for (let i = 0; i < 200; i++) {
      expect(() => {
        k.addRows(1, 4, Int32Array.of(1), new Float32Array(100_000), table);
      }).toThrow(expect.objectContaining({ code: "KERNELS_BAD_ID" }) as MuldeError);
    }
    expect([...table]).toEqual([1, 2, 3, 4]);
    const after = k.engine.float32(1);
    // A leak would have taken 80 MB.
    if (k.kind === "wasm") expect(after.byteOffset - before.byteOffset).toBeLessThan(1e6);
    k.engine.free(before, after);
  });

  it("dispose frees the scratch memory, and later calls allocate it again", () => {
    const { engine } = kernels();
    const { engine: noting, live } = counting(engine);
    const own = new Kernels(noting);
    const plan = () => {
      const int = (length: number) => new Int32Array(length);
      return own.plan(ints(kernels(), [3, 1, 3]), ints(kernels(), [0]), 5, {
        size: 0,
        rows: int(5),
        offsets: int(5),
        entries: int(3),
        local: int(1),
      });
    };
    expect(plan()).toBe(3);
    expect(live.size).toBe(1);
    own.dispose();
    expect(live.size).toBe(0);
    expect(plan()).toBe(3);
    own[Symbol.dispose]();
    own[Symbol.dispose]();
    expect(live.size).toBe(0);
  });
});

it.runIf(engines.some(({ engine }) => engine === "wasm"))("WebAssembly refuses a view of freed memory", async () => {
  const k = await createKernels({ engine: "wasm", threads: 1 });
  const [a, b, table] = [k.engine.float32(100), k.engine.float32(100), new Float32Array(4)];
  const view = b.subarray(50);
  k.addRows(1, 4, new Int32Array(1), view, table);
  k.engine.free(b);
  expect(() => {
    k.addRows(1, 4, new Int32Array(1), view, table);
  }).toThrow(freed(["addRows", "source"]));
  k.addRows(1, 4, new Int32Array(1), a.subarray(96), table);
  await k.close();
});

it.each(engines)("refuses memory that is gone, also in optimized code ($name)", async ({ options }) => {
  const k = await createKernels({ ...options, threads: 1 });
  const transfer = structuredClone as (value: unknown, options: { readonly transfer: readonly unknown[] }) => unknown;
  const resizable = (bytes: number) =>
    Reflect.construct(ArrayBuffer, [bytes, { maxByteLength: bytes }]) as ArrayBuffer & { resize(bytes: number): void };
  const codes = new Set<string>();
  const refused = (source: Float32Array) => {
    try {
      k.addRows(3, 2, new Int32Array(3), source, new Float32Array(6));
      codes.add("none");
    } catch (error) {
      codes.add((error as MuldeError).code);
    }
  };
  for (let i = 0; i < 20_000; i++) {
    const buffer = resizable(24);
    const array = new Float32Array(buffer);
    buffer.resize(0);
    refused(array);
    if (i % 10 !== 0) continue;
    const moved = new Float32Array(6);
    transfer(moved.buffer, { transfer: [moved.buffer] });
    refused(moved);
  }
  expect([...codes]).toEqual(["KERNELS_BAD_LENGTH"]);
  await k.close();
});

it.each(engines)("engines and kernels can be disposed more than once ($name)", async ({ options, threads }) => {
  const k = await createKernels({ ...options, threads: threads.at(-1)! });
  await k[Symbol.asyncDispose]();
  await k.engine[Symbol.asyncDispose]();
  await k.close();
  expect(copy(k, [1])).toHaveLength(1);
});
