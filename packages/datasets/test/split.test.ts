import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TripleList } from "../src/index.js";
import { splitTriples, tripleList } from "../src/index.js";
import { rows } from "./_files.js";

function listOf(triples: readonly (readonly [number, number, number])[]): TripleList {
  return tripleList(
    triples.map(([h]) => h),
    triples.map(([, r]) => r),
    triples.map(([, , t]) => t),
  );
}

const graph = fc.array(fc.tuple(fc.nat(29), fc.nat(3), fc.nat(29)), { minLength: 1, maxLength: 300 });

describe("a split", () => {
  it("holds each triple once, in its order", () => {
    fc.assert(
      fc.property(graph, fc.nat(), (triples, seed) => {
        const { train, valid, test } = splitTriples(listOf(triples), 30, 4, { valid: 0.2, test: 0.1, seed });
        const all = [...rows(train), ...rows(valid), ...rows(test)].map(String).sort();
        expect(all).toEqual(triples.map(String).sort());
        const order = new Map(triples.map((triple, i) => [String(triple), i]));
        for (const part of [train, valid, test]) {
          const first = [...new Set(rows(part).map(String))].map((triple) => order.get(triple)!);
          if (new Set(triples.map(String)).size === triples.length)
            expect(first).toEqual([...first].sort((a, b) => a - b));
        }
      }),
    );
  });

  it("has every entity and relation of valid and test in train, and never exceeds its shares", () => {
    fc.assert(
      fc.property(graph, fc.nat(), (triples, seed) => {
        const { train, valid, test } = splitTriples(listOf(triples), 30, 4, { valid: 0.2, test: 0.1, seed });
        const entities = new Set([...train.heads, ...train.tails]);
        const relations = new Set(train.relations);
        for (const [h, r, t] of [...rows(valid), ...rows(test)]) {
          expect(entities).toContain(h);
          expect(entities).toContain(t);
          expect(relations).toContain(r);
        }
        expect(valid.length).toBeLessThanOrEqual(Math.round(triples.length * 0.2));
        expect(test.length).toBeLessThanOrEqual(Math.round(triples.length * 0.1));
      }),
    );
  });

  it("keeps all triples of a pair of entities in one part", () => {
    const dense = fc.array(fc.tuple(fc.nat(7), fc.nat(3), fc.nat(7)), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(dense, fc.nat(), (triples, seed) => {
        const parts = Object.values(
          splitTriples(listOf(triples), 8, 4, { valid: 0.3, test: 0.3, seed }),
        ) as TripleList[];
        const place = new Map<string, number>();
        parts.forEach((part, where) => {
          for (const [h, , t] of rows(part)) {
            const pair = `${Math.min(h, t)} ${Math.max(h, t)}`;
            expect(place.get(pair) ?? where).toBe(where);
            place.set(pair, where);
          }
        });
      }),
    );
  });

  it("reaches its shares where the graph allows, and depends on the seed alone", () => {
    const triples = listOf(
      Array.from({ length: 2000 }, (_, i) => [i % 50, i % 3, (i * 7 + Math.floor(i / 50)) % 50] as const),
    );
    const split = splitTriples(triples, 50, 3, { seed: 7 });
    expect([split.train.length, split.valid.length, split.test.length]).toEqual([1800, 100, 100]);
    expect(splitTriples(triples, 50, 3, { seed: 7 })).toEqual(split);
    expect(splitTriples(triples, 50, 3, { seed: 8 })).not.toEqual(split);
    expect(splitTriples(triples, 50, 3, { seed: 7 + 2 ** 40 })).not.toEqual(split);
  });

  it("is stable over releases", () => {
    const cycle = listOf(
      Array.from({ length: 40 }, (_, i) => [i % 10, i % 2, (i + 1 + Math.floor(i / 10)) % 10] as const),
    );
    const { valid, test } = splitTriples(cycle, 10, 2, { valid: 0.1, test: 0.1, seed: 3 });
    expect({ valid: rows(valid), test: rows(test) }).toMatchInlineSnapshot(`
      {
        "test": [
          [
            3,
            1,
            4,
          ],
          [
            3,
            1,
            6,
          ],
          [
            9,
            1,
            2,
          ],
          [
            7,
            1,
            1,
          ],
        ],
        "valid": [
          [
            9,
            1,
            0,
          ],
          [
            4,
            0,
            8,
          ],
          [
            5,
            1,
            9,
          ],
          [
            8,
            0,
            2,
          ],
        ],
      }
    `);
  });

  it("keeps in train what train cannot spare", () => {
    const chain = listOf([
      [0, 0, 1],
      [2, 0, 3],
      [4, 1, 5],
    ]);
    const { train, valid, test } = splitTriples(chain, 6, 2, { valid: 0.4, test: 0.4 });
    expect([train.length, valid.length, test.length]).toEqual([3, 0, 0]);
  });

  it("refuses shares that leave nothing, and ids outside", () => {
    expect(() => splitTriples(listOf([[0, 0, 0]]), 1, 1, { valid: 0.5, test: 0.5 })).toThrow(
      /^valid: valid and test together must leave/,
    );
    expect(() => splitTriples(listOf([[0, 0, 0]]), 1, 1, { seed: 0.5 })).toThrow(/^seed: /);
    expect(() => splitTriples(listOf([[0, 0, 1]]), 1, 1)).toThrow(/has an id beyond/);
  });
});
