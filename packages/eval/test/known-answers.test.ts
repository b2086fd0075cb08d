import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { knownAnswers } from "../src/index.js";
import { graphs, list, naiveKnown } from "./_graphs.js";

describe("knownAnswers", () => {
  it("gives what a search through all splits gives, for every query of both directions", () => {
    fc.assert(
      fc.property(graphs, ({ numEntities, numRelations, triples, train }) => {
        const known = knownAnswers(numEntities, numRelations, list(...train), list(...triples));
        const naive = naiveKnown(numRelations, [...train, ...triples]);
        for (let head = 0; head < numEntities; head++) {
          for (let relation = 0; relation < 2 * numRelations; relation++) {
            expect(Array.from(known.answers(head, relation))).toEqual(naive.answers(head, relation));
          }
        }
      }),
    );
  });

  it("knows nothing of no splits, of unseen relations and of entities beyond the graph", () => {
    expect(knownAnswers(3, 2).answers(0, 0)).toHaveLength(0);
    const known = knownAnswers(3, 2, list([0, 0, 1], [0, 0, 1], [0, 0, 0]));
    expect(Array.from(known.answers(0, 0))).toEqual([0, 1]);
    expect(Array.from(known.answers(0, 2))).toEqual([0]);
    expect(known.answers(0, 1)).toHaveLength(0);
    expect(known.answers(3, 0)).toHaveLength(0);
    expect(known.answers(-1, 0)).toHaveLength(0);
  });

  it("keeps ids apart where relation x N + entity passes 32 bits", () => {
    const numEntities = 1_000_000;
    const known = knownAnswers(numEntities, 9_000, list([5, 8_999, 999_999], [5, 8_998, 999_999], [5, 8_999, 0]));
    expect(Array.from(known.answers(5, 8_999))).toEqual([0, 999_999]);
    expect(Array.from(known.answers(999_999, 17_999))).toEqual([5]);
    expect(Array.from(known.answers(999_999, 17_998))).toEqual([5]);
  });

  it("refuses bad splits by their number, and bad counts", () => {
    expect(() => knownAnswers(3, 1, list([0, 0, 1]), list([0, 0, 5]))).toThrow(
      "splits.1.tails.0: 5 is outside 0..2; encode the triples",
    );
    expect(() => knownAnswers(0, 1)).toThrow("numEntities: must be a positive integer, but is 0.");
    expect(() => knownAnswers(3, 1.5)).toThrow("numRelations: must be a positive integer, but is 1.5.");
  });
});
