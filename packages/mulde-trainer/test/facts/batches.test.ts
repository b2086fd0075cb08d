import { tripleList } from "@mulde/datasets";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Batches, distinctQueries } from "../../src/facts/batches.js";
import { prepareData } from "../../src/facts/data.js";
import { ring } from "../_planted.js";

describe("batches", () => {
  it("cover every query of both directions once an epoch, the last batch smaller", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 50 }), fc.nat(), (n, size, seed) => {
        const ids = (from: number) => Int32Array.from({ length: n }, (_, i) => i + from);
        const batches = new Batches(tripleList(ids(0), ids(100), ids(200)), size, seed);
        expect(batches.stepsPerEpoch).toBe(Math.ceil(n / size));
        for (const epoch of [0, 1]) {
          const seen: number[] = [];
          for (let i = 0; i < batches.stepsPerEpoch; i++) {
            const step = epoch * batches.stepsPerEpoch + i;
            const batch = batches.at(step);
            expect(batch).toMatchObject({ epoch, step });
            expect(batch.heads.length).toBe(i < batches.stepsPerEpoch - 1 ? size : n - i * size);
            // The columns of a triple stay together.
            batch.heads.forEach((h, b) => expect([batch.relations[b], batch.tails[b]]).toEqual([h + 100, h + 200]));
            seen.push(...batch.heads);
          }
          expect(seen.sort((a, b) => a - b)).toEqual([...ids(0)]);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("are the same whether those before them were made or not, and differ between epochs and seeds", () => {
    const { queries } = prepareData(ring());
    const made = new Batches(queries, 20, 1);
    const all = Array.from({ length: 3 * made.stepsPerEpoch }, (_, step) => [...made.at(step).heads]);
    const later = 2 * made.stepsPerEpoch + 1;
    expect([...new Batches(queries, 20, 1).at(later).heads]).toEqual(all[later]);
    expect(all[1]).not.toEqual(all[1 + made.stepsPerEpoch]);
    expect([...new Batches(queries, 20, 2).at(1).heads]).not.toEqual(all[1]);
  });
});

describe("the queries of KvsAll", () => {
  it("are the distinct ones", () => {
    const list = tripleList(Int32Array.of(0, 0, 1, 0), Int32Array.of(0, 0, 0, 1), Int32Array.of(1, 2, 3, 4));
    const { heads, relations, tails, length } = distinctQueries(list, 1);
    expect([length, [...heads], [...relations], [...tails]]).toEqual([3, [0, 1, 0], [0, 0, 1], [1, 3, 4]]);
  });
});
