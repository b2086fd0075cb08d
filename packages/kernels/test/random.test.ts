import { expect, it } from "vitest";
import { Random } from "../src/index.js";

it("gives the same numbers for the same seed, and others for other seeds", () => {
  const draw = (seed: number) => {
    const random = new Random(seed);
    return Array.from({ length: 5 }, () => random.uint32());
  };
  expect(draw(7)).toEqual(draw(7));
  expect(new Set([draw(7), draw(8), draw(7 + 2 ** 32), draw(0)].map(String)).size).toBe(4);
});

it("is uniform in [0, 1) and normal with mean 0 and deviation 1", () => {
  const random = new Random(1);
  const n = 20_000;
  const uniform = Array.from({ length: n }, () => random.uniform());
  const normal = Array.from({ length: n }, () => random.normal());
  const mean = (values: number[]) => values.reduce((a, b) => a + b) / n;
  expect(Math.min(...uniform)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...uniform)).toBeLessThan(1);
  // Four standard errors each.
  expect(Math.abs(mean(uniform) - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 12 / n));
  expect(Math.abs(mean(normal))).toBeLessThan(4 / Math.sqrt(n));
  expect(Math.abs(mean(normal.map((x) => x * x)) - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
});

it("shuffles into every order equally often", () => {
  const random = new Random(5);
  const counts = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    const values = Int32Array.of(0, 1, 2);
    random.shuffle(values);
    counts.set(values.join(), (counts.get(values.join()) ?? 0) + 1);
  }
  expect(counts.size).toBe(6);
  // The standard deviation is 29.
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(120);
});
