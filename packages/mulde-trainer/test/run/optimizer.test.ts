import { Random } from "@mulde/kernels";
import { sharedKernels, type TableGradient } from "@mulde/kge-models";
import { describe, expect, it } from "vitest";
import { learningRateAt, Optimizer, type Trained } from "../../src/run/optimizer.js";

/** A table of 5 rows, and gradients of some rows or all. */
function table(name: string, width: number, decays: boolean, seed: number): Trained {
  const random = new Random(seed);
  return { name, rows: 5, width, data: Float32Array.from({ length: 5 * width }, () => random.normal()), decays };
}

function gradient(ids: number[] | null, width: number, seed: number): TableGradient {
  const random = new Random(seed);
  const count = ids?.length ?? 5;
  // Longer than what counts, as the passes' own memory is.
  const values = Float32Array.from({ length: (count + 2) * width }, () => random.normal());
  return { ids: ids && Int32Array.from([...ids, 99]), count, values };
}

const plain = { name: "adam", learningRate: 1, sparse: false, weightDecay: 0, clipNorm: 0, averaging: 0 } as const;

describe.each(["adam", "adagrad"] as const)("%s", (kind) => {
  it.each([
    [false, 0],
    [false, 0.1],
    [true, 0],
    [true, 0.1],
  ])("moves rows as its formula in float64 (sparse %s, weight decay %d)", async (sparse, weightDecay) => {
    const kernels = await sharedKernels();
    const tables = [table("entity", 3, true, 1), table("headBias", 1, false, 2), table("relation", 2, true, 3)];
    const subject = new Optimizer(kernels, tables, { ...plain, name: kind, sparse, weightDecay });
    const expected = new Map(
      tables.map(({ name, data }) => [name, { p: [...data], m: [] as number[], v: [] as number[] }]),
    );
    for (const state of expected.values()) {
      state.m = state.p.map(() => 0);
      state.v = state.p.map(() => 0);
    }
    for (let step = 1; step <= 4; step++) {
      const rate = 0.1 / step;
      const gradients = new Map([
        ["entity", gradient(step % 2 ? [0, 2, 4] : [1], 3, 10 + step)],
        ["headBias", gradient(step % 2 ? [0, 2, 4] : [1], 1, 20 + step)],
        ["relation", gradient(null, 2, 30 + step)],
      ]);
      subject.update(gradients, step, rate);
      for (const { name, rows, width, decays } of tables) {
        const { ids, values } = gradients.get(name)!;
        const { p, m, v } = expected.get(name)!;
        const keep = 1 - rate * (decays ? weightDecay : 0);
        for (let row = 0; row < rows; row++) {
          const at = ids === null ? row : [...ids].indexOf(row);
          // Adagrad has no momentum: a row without a gradient stays.
          if (at < 0 && (sparse || kind === "adagrad")) continue;
          for (let k = 0; k < width; k++) {
            const i = row * width + k;
            const g = at < 0 ? 0 : values[at * width + k]!;
            if (kind === "adam") {
              m[i] = 0.9 * m[i]! + 0.1 * g;
              v[i] = 0.999 * v[i]! + 0.001 * g * g;
              const unbiased = Math.sqrt(v[i] / (1 - 0.999 ** step)) + 1e-8;
              p[i] = keep * p[i]! - (rate * (m[i] / (1 - 0.9 ** step))) / unbiased;
            } else {
              v[i]! += g * g;
              p[i] = keep * p[i]! - (rate * g) / (Math.sqrt(v[i]!) + 1e-10);
            }
          }
        }
      }
    }
    for (const { name, data } of tables) {
      data.forEach((x, i) => expect(x, `${name}[${i}]`).toBeCloseTo(expected.get(name)!.p[i]!, 5));
    }
    subject.dispose();
  });

  it("leaves a table without a gradient as it is, and names its state", async () => {
    const kernels = await sharedKernels();
    const tables = [table("a", 2, true, 1), table("b", 2, true, 2)];
    const before = [...tables[1]!.data];
    const subject = new Optimizer(kernels, tables, { ...plain, name: kind, weightDecay: 0.5 });
    subject.update(new Map([["a", gradient(null, 2, 3)]]), 1, 0.1);
    expect([...tables[1]!.data]).toEqual(before);
    const names = kind === "adam" ? ["a.0", "a.1", "b.0", "b.1"] : ["a.0", "b.0"];
    expect([...subject.state().keys()]).toEqual(names);
    expect(
      subject
        .state()
        .get("a.0")!
        .some((x) => x !== 0),
    ).toBe(true);
    subject.dispose();
  });
});

it("Adam's bias correction begins with a table's first gradient", async () => {
  const kernels = await sharedKernels();
  const moved = (since: number, step: number): number[] => {
    const late = { ...table("late", 2, true, 1), since };
    const subject = new Optimizer(kernels, [late], plain);
    subject.update(new Map([["late", gradient(null, 2, 4)]]), step, 0.1);
    subject.dispose();
    return [...late.data];
  };
  expect(moved(500, 501)).toEqual(moved(0, 1));
});

describe("clipping", () => {
  it.each([0.5, 1e6])("scales all gradients together down to a norm of %d, and none up", async (clipNorm) => {
    const kernels = await sharedKernels();
    const tables = [table("entity", 3, true, 1), table("relation", 2, true, 2)];
    const subject = new Optimizer(kernels, tables, { ...plain, name: "adagrad", clipNorm });
    const gradients = new Map([
      ["entity", gradient([0, 2], 3, 3)],
      ["relation", gradient(null, 2, 4)],
    ]);
    const used = (): number[] => [
      ...gradients.get("entity")!.values.subarray(0, 6),
      ...gradients.get("relation")!.values.subarray(0, 2 * tables[1]!.rows),
    ];
    const before = used();
    const norm = Math.hypot(...before);
    subject.update(gradients, 1, 0.1);
    const factor = Math.min(1, clipNorm / norm);
    used().forEach((g, i) => expect(g).toBeCloseTo(before[i]! * factor, 6));
    subject.dispose();
  });
});

describe("the learning rate", () => {
  const at = (step: number, name: "constant" | "cosine", warmup: number): number =>
    learningRateAt(step, 100, { optimizer: { learningRate: 2 }, schedule: { name, warmup } });

  it("is constant", () => {
    for (const step of [0, 1, 50, 99]) expect(at(step, "constant", 0)).toBe(2);
  });

  it("falls along half a cosine", () => {
    expect(at(0, "cosine", 0)).toBe(2);
    expect(at(25, "cosine", 0)).toBeCloseTo(1 + Math.SQRT1_2, 12);
    expect(at(50, "cosine", 0)).toBeCloseTo(1, 12);
    expect(at(99, "cosine", 0)).toBeCloseTo(1 + Math.cos(0.99 * Math.PI), 12);
    expect(at(99, "cosine", 0)).toBeGreaterThan(0);
  });

  it("rises evenly over the warm-up, never from 0", () => {
    expect([0, 4, 9, 10, 11].map((step) => at(step, "constant", 0.1))).toEqual([0.2, 1, 2, 2, 2]);
    expect(at(10, "cosine", 0.1)).toBe(2);
    expect(at(55, "cosine", 0.1)).toBeCloseTo(1, 12);
    expect(at(99, "constant", 1)).toBe(2);
  });

  it("is halved by every drop on a plateau, and by none otherwise", () => {
    const rate = (name: "plateau" | "cosine", drops: number): number =>
      learningRateAt(50, 100, { optimizer: { learningRate: 2 }, schedule: { name, warmup: 0 } }, drops);
    expect([0, 1, 3].map((drops) => rate("plateau", drops))).toEqual([2, 1, 0.25]);
    expect(rate("cosine", 3)).toBe(rate("cosine", 0));
  });
});

describe("a gradient that is not finite", () => {
  it.each(["adam", "adagrad"] as const)("is named by table, row and value (%s)", async (name) => {
    const kernels = await sharedKernels();
    const tables = [table("entity", 3, true, 1), table("relation", 2, true, 3)];
    const subject = () => new Optimizer(kernels, tables, { ...plain, name });
    for (const value of [NaN, Infinity, -Infinity, 1e20]) {
      const some = gradient([0, 2, 4], 3, 10);
      const all = gradient(null, 2, 30);
      const gradients = new Map([
        ["entity", some],
        ["relation", all],
      ]);
      expect(subject().update(gradients, 1, 0.1)).toBeUndefined();
      // What is beyond the rows that count is nobody's.
      some.values[9] = value;
      expect(subject().update(gradients, 1, 0.1)).toBeUndefined();
      all.values[7] = value;
      const inRelation = { table: "relation", rows: 5, row: 3, value: Math.fround(value) };
      expect(subject().update(gradients, 1, 0.1)).toEqual(inRelation);
      some.values[8] = value;
      const inEntity = { table: "entity", rows: 5, row: 4, value: Math.fround(value) };
      expect(subject().update(gradients, 1, 0.1)).toEqual(inEntity);
    }
  });

  it("is named where only the sum of many squares is too large", async () => {
    const kernels = await sharedKernels();
    const subject = new Optimizer(kernels, [table("entity", 3, true, 1)], { ...plain, name: "adagrad" });
    const large = gradient([1], 3, 10);
    large.values[1] = -1.5e19;
    const gradients = new Map([["entity", large]]);
    expect(subject.update(gradients, 1, 0.1)).toBeUndefined();
    expect(subject.update(gradients, 2, 0.1)).toEqual({
      table: "entity",
      rows: 5,
      row: 1,
      value: Math.fround(-1.5e19),
    });
  });
});
