import { expect, it } from "vitest";
import { onEveryEngine } from "./_engines.js";
import { ints } from "./_model.js";

const mask = (1n << 64n) - 1n;
const golden = 0x9e3779b97f4a7c15n;

/** The finalizer of SplitMix64. */
function mix(x: bigint): bigint {
  let z = x & mask;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask;
  return z ^ (z >> 31n);
}

/** Draw `i` of a seed, over 0..n-1. */
function draw(seed: number, i: number, n: number): number {
  const x = mix(BigInt(seed) + golden) + BigInt(i + 1) * golden;
  return Number(((mix(x) >> 32n) * BigInt(n)) >> 32n);
}

onEveryEngine((kernels) => {
  const sample = (batch: number, negatives: number, entities: number, seed: number, counter: number) => {
    const k = kernels();
    const ids = k.engine.int32(batch * (1 + negatives));
    const targets = ints(
      k,
      Array.from({ length: batch }, (_, b) => 100_000 + b),
    );
    k.sampleCandidates({ batch, negatives, entities, seed, counter }, targets, ids);
    return ids;
  };

  it("puts the target first, then draws that depend only on seed and number, the same on every engine", () => {
    for (const [seed, counter] of [
      [0, 0],
      [7, 12],
      [2 ** 40 + 5, 2 ** 35 + 3],
    ] as const) {
      const ids = sample(70, 9, 40_943, seed, counter);
      for (let b = 0; b < 70; b++) {
        const expected = Array.from({ length: 9 }, (_, j) => draw(seed, counter + 9 * b + j, 40_943));
        expect([...ids.subarray(10 * b, 10 * b + 10)]).toEqual([100_000 + b, ...expected]);
      }
    }
  });

  it("continues where it stopped: two batches of 5 equal one of 10", () => {
    const whole = sample(10, 4, 1000, 3, 0);
    expect([
      ...sample(5, 4, 1000, 3, 0).filter((id) => id < 1000),
      ...sample(5, 4, 1000, 3, 20).filter((id) => id < 1000),
    ]).toEqual([...whole.filter((id) => id < 1000)]);
  });

  it("is uniform", () => {
    const counts = new Float64Array(50);
    for (const id of sample(1000, 50, 50, 11, 0)) if (id < 50) counts[id]!++;
    const chiSquare = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    // 49 degrees of freedom: mean 49, standard deviation 9.9. Draws must not be too even either.
    expect(chiSquare).toBeGreaterThan(49 - 4 * 9.9 + 20);
    expect(chiSquare).toBeLessThan(49 + 4 * 9.9);
  });
});
