import { Random } from "../src/index.js";
import type { Batch } from "./_gradients.js";

/** Random queries and candidates; the first query's own head is among its candidates, and so are duplicates. */
export function randomBatch(B: number, K: number, entities: number, relations: number, seed: number): Batch {
  const random = new Random(seed);
  const draw = (n: number) => Math.floor(random.uniform() * n);
  const heads = Array.from({ length: B }, () => draw(entities));
  const candidates = Array.from({ length: B * K }, () => draw(entities));
  candidates[K - 1] = heads[0]!;
  if (K > 2) candidates[0] = candidates[1]!;
  return {
    heads,
    relations: Array.from({ length: B }, () => draw(relations)),
    candidates,
    K,
    gradScores: Array.from({ length: B * K }, () => Math.fround(random.normal())),
  };
}

/** A function whose result is kept by key: the reference is the same for every engine, and slow. */
export function cached<T>(): (key: string, make: () => T) => T {
  const kept = new Map<string, T>();
  return (key, make) => {
    const value = kept.get(key) ?? make();
    kept.set(key, value);
    return value;
  };
}
