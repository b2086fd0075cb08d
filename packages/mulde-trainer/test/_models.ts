import { Random } from "@mulde/kernels";
import { createModel, type CreateModelOptions, type KgeModel, type TableGradient } from "@mulde/kge-models";
import { expect } from "vitest";
import type { Tables } from "./_reference.js";

/** A model whose parameters are large enough for every term of a gradient to be seen. */
export async function lively(options: CreateModelOptions): Promise<KgeModel> {
  const model = await createModel(options);
  const random = new Random(77);
  for (const { name, data } of model.tables.values()) {
    const scale = name === "entity" ? 0.5 : 0.3;
    for (let i = 0; i < data.length; i++) data[i] = scale * random.normal();
  }
  model.touch();
  return model;
}

export function tablesOf(model: KgeModel): Tables {
  return Object.fromEntries([...model.tables].map(([name, { data }]) => [name, [...data]]));
}

/** A gradient with its left-out rows as zeros. */
export function dense({ ids, count, values }: TableGradient, rows: number, width: number): number[] {
  if (ids === null) return [...values.subarray(0, rows * width)];
  const out = new Array<number>(rows * width).fill(0);
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < width; k++) out[ids[i]! * width + k] = values[i * width + k]!;
  }
  return out;
}

/** Equal up to float32's rounding: relative to the largest value of the table, since small ones are differences of large ones. */
export function expectNear(name: string, actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  const scale = Math.max(1e-3, ...expected.map(Math.abs));
  actual.forEach((x, i) => {
    expect(Math.abs(x - expected[i]!), `${name}[${i}]: ${x}, not ${expected[i]}`).toBeLessThan(2e-4 * scale);
  });
}

/** Gradients by table that are others and something more. */
export function expectAdded(
  actual: ReadonlyMap<string, readonly number[]>,
  before: ReadonlyMap<string, readonly number[]>,
  more: Readonly<Record<string, readonly number[]>>,
): void {
  for (const [name, values] of actual) {
    const expected = before.get(name)!.map((g, i) => g + more[name]![i]!);
    expectNear(name, values, expected);
  }
}
