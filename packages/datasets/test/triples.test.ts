import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatTriples, indexAnswers, tripleList, withReciprocals } from "../src/index.js";
import { rows } from "./_files.js";

describe("triple lists", () => {
  const triples = tripleList([0, 2], [1, 0], [1, 1]);

  it("are columns of one length", () => {
    expect(triples.length).toBe(2);
    expect(triples.heads).toEqual(Int32Array.of(0, 2));
    expect(() => tripleList([0], [0, 1], [0])).toThrow(/1, 2 and 1 ids; give three columns of one length/);
  });

  it("concatenate in order", () => {
    expect(rows(concatTriples(triples, tripleList([], [], []), tripleList([5], [6], [7])))).toEqual([
      [0, 1, 1],
      [2, 0, 1],
      [5, 6, 7],
    ]);
  });

  it("get their reciprocals after them", () => {
    expect(rows(withReciprocals(triples, 2))).toEqual([
      [0, 1, 1],
      [2, 0, 1],
      [1, 3, 0],
      [1, 2, 2],
    ]);
    expect(() => withReciprocals(triples, 1)).toThrow(/triples\.relations\.0: 1 is outside 0\.\.0/);
  });
});

describe("the answer index", () => {
  it("knows both directions of all splits, sorted and distinct", () => {
    const index = indexAnswers(4, 2, tripleList([0, 0, 0], [1, 1, 1], [3, 1, 3]), tripleList([2], [0], [2]));
    expect(index.answers(0, 1)).toEqual(Int32Array.of(1, 3));
    expect(index.answers(3, 3)).toEqual(Int32Array.of(0));
    expect(index.answers(2, 0)).toEqual(Int32Array.of(2));
    expect(index.answers(2, 2)).toEqual(Int32Array.of(2));
    expect(index.answers(0, 0)).toHaveLength(0);
    expect([0, 1, 3].map((head) => [...index.relations(head)])).toEqual([[1], [3], [3]]);
    expect(index.answers(-1, 0)).toHaveLength(0);
    expect(index.answers(4, 0)).toHaveLength(0);
    expect(index.has(0, 1, 3)).toBe(true);
    expect(index.has(3, 3, 0)).toBe(true);
    expect(index.has(3, 1, 0)).toBe(false);
    expect([index.numQueries, index.numAnswers]).toEqual([5, 6]);
  });

  it("equals a naive index on any graph", () => {
    const graph = fc.array(fc.tuple(fc.nat(6), fc.nat(2), fc.nat(6)), { maxLength: 400 });
    fc.assert(
      fc.property(graph, graph, (a, b) => {
        const lists = [a, b].map((list) => {
          return tripleList(...([0, 1, 2].map((c) => list.map((row) => row[c]!)) as [number[], number[], number[]]));
        });
        const index = indexAnswers(7, 3, ...lists);
        const known = new Set([...a, ...b].flatMap(([h, r, t]) => [`${h} ${r} ${t}`, `${t} ${r + 3} ${h}`]));
        let total = 0;
        for (let h = 0; h < 7; h++) {
          const asked = [0, 1, 2, 3, 4, 5].filter((r) => index.answers(h, r).length > 0);
          expect([...index.relations(h)]).toEqual(asked);
          for (let r = 0; r < 6; r++) {
            const expected = [0, 1, 2, 3, 4, 5, 6].filter((t) => known.has(`${h} ${r} ${t}`));
            expect(Array.from(index.answers(h, r))).toEqual(expected);
            expect(index.hasAny(h, r)).toBe(expected.length > 0);
            for (let t = 0; t < 7; t++) expect(index.has(h, r, t)).toBe(expected.includes(t));
            total += expected.length;
          }
        }
        expect(index.numAnswers).toBe(total);
      }),
    );
  });

  it("refuses numbers whose keys a double cannot hold", () => {
    expect(() => indexAnswers(2 ** 30, 2 ** 30)).toThrow(expect.objectContaining({ code: "DATA_SHAPE" }));
  });

  it("gives each relation's mean number of answers per query, in both directions", () => {
    // Relation 0: heads 0 and 1 have 3 tails and 1 tail; tails 1, 2, 3 have 2, 1 and 1 heads. Relation 1 has no facts.
    const index = indexAnswers(4, 2, tripleList([0, 0, 0, 1, 0], [0, 0, 0, 0, 0], [1, 2, 3, 1, 1]));
    expect(Array.from(index.answersPerQuery())).toEqual([2, 0, 4 / 3, 0]);
    expect(Array.from(indexAnswers(2, 1).answersPerQuery())).toEqual([0, 0]);
  });

  it("counts answers per query as a naive count does, on any graph", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(5), fc.nat(2), fc.nat(5)), { maxLength: 100 }), (triples) => {
        const columns = [0, 1, 2].map((c) => triples.map((row) => row[c]!)) as [number[], number[], number[]];
        const found = Array.from(indexAnswers(6, 3, tripleList(...columns)).answersPerQuery());
        const queries = [0, 1, 2, 3, 4, 5].map((relation) => {
          const pairs = triples
            .filter(([, r]) => r === relation % 3)
            .map(([h, , t]) => (relation < 3 ? [h, t] : [t, h]));
          const facts = new Set(pairs.map(String)).size;
          return facts === 0 ? 0 : facts / new Set(pairs.map(([head]) => head)).size;
        });
        expect(found).toEqual(queries);
      }),
    );
  });

  it("refuses triples outside its sizes", () => {
    expect(() => indexAnswers(2, 1, tripleList([0], [0], [2]))).toThrow(
      /Triple 0, \(0, 0, 2\), has an id beyond 2 entities/,
    );
    expect(() => indexAnswers(3, 1, tripleList([0], [1], [2]))).toThrow(/or 1 relations/);
  });
});
