import { tripleList } from "@mulde/datasets";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Batches, prepareData, seedOf } from "../src/data.js";
import { ring } from "./_planted.js";

const nothing = tripleList(new Int32Array(), new Int32Array(), new Int32Array());

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

describe("the prepared data", () => {
  it("asks each training triple in both directions, and knows the answers of all splits", () => {
    const data = ring();
    const { queries, known, entities, relations } = prepareData(data);
    expect([entities, relations]).toEqual([24, 4]);
    expect(queries.length).toBe(2 * data.train.length);
    const ask = (i: number) => `${queries.heads[i]} ${queries.relations[i]} ${queries.tails[i]}`;
    const asked = new Set(Array.from({ length: queries.length }, (_, i) => ask(i)));
    for (let i = 0; i < data.train.length; i++) {
      const [h, r, t] = [data.train.heads[i]!, data.train.relations[i]!, data.train.tails[i]!];
      expect(asked.has(`${h} ${r} ${t}`) && asked.has(`${t} ${r + 4} ${h}`)).toBe(true);
    }
    for (const split of [data.train, data.valid, data.test]) {
      for (let i = 0; i < split.length; i++) {
        expect(Array.from(known.answers(split.heads[i]!, split.relations[i]!))).toEqual([split.tails[i]]);
        expect(Array.from(known.answers(split.tails[i]!, split.relations[i]! + 4))).toEqual([split.heads[i]]);
      }
    }
    expect(prepareData(data)).toBe(prepareData(data));
  });

  it("must have something to train and to validate on", () => {
    expect(() => prepareData({ ...ring(), train: nothing })).toThrow(/training split is empty/);
    expect(() => prepareData({ ...ring(), valid: nothing })).toThrow(/validation split is empty/);
  });
});

it("random streams of neighbouring seeds and uses differ", () => {
  const seeds = [0, 1, 2, 2 ** 31, 2 ** 40].flatMap((seed) =>
    [-5, -4, -3, -2, -1, 0, 1, 2].map((use) => seedOf(seed, use)),
  );
  expect(new Set(seeds).size).toBe(seeds.length);
});
