import { describe, expect, it } from "vitest";
import { countRanks, knownAnswers, rankTriples, type RankQueries } from "../src/index.js";
import { list, scorerOf } from "./_graphs.js";

/** One query about target 1 among four entities. */
function count(scores: readonly number[], filter: readonly number[] = []): { greater: number; equal: number } {
  const queries: RankQueries = {
    heads: Int32Array.of(7),
    relations: Int32Array.of(2),
    targets: Int32Array.of(1),
    filterOffsets: Int32Array.of(0, filter.length),
    filterIds: Int32Array.from(filter),
  };
  const out = { greater: Int32Array.of(-1), equal: Int32Array.of(-1) };
  countRanks(Float32Array.from(scores), scores.length, queries, out);
  return { greater: out.greater[0]!, equal: out.equal[0]! };
}

describe("countRanks", () => {
  it("counts what is above and level, without the target", () => {
    expect(count([3, 2, 2, 1])).toEqual({ greater: 1, equal: 1 });
    expect(count([0, 0, 0, 0])).toEqual({ greater: 0, equal: 3 });
    expect(count([-0, 0, 1, -1])).toEqual({ greater: 1, equal: 1 });
  });

  it("leaves out filtered entities at the start, in the middle, at the end and all of them", () => {
    expect(count([3, 2, 2, 1], [0])).toEqual({ greater: 0, equal: 1 });
    expect(count([3, 2, 2, 1], [2])).toEqual({ greater: 1, equal: 0 });
    expect(count([3, 2, 2, 5], [3])).toEqual({ greater: 1, equal: 1 });
    expect(count([3, 2, 2, 5], [0, 2, 3])).toEqual({ greater: 0, equal: 0 });
  });

  it.each([Number.NaN, Infinity, -Infinity])("refuses %s wherever it counts", (bad) => {
    const refused = (entity: number, filter: readonly number[] = []) => {
      const scores = [3, 2, 2, 1];
      scores[entity] = bad;
      expect(() => count(scores, filter)).toThrow(
        expect.objectContaining({
          code: "SCORE_NOT_FINITE",
          message: expect.stringContaining(
            `Entity ${String(entity)} scores ${String(bad)} in the query (7, 2, ?) whose answer is 1;`,
          ) as string,
        }),
      );
    };
    [0, 1, 2, 3].forEach((entity) => {
      refused(entity);
    });
    refused(1, [0, 2, 3]);
    refused(3, [0, 2]);
  });

  it.each([Number.NaN, Infinity, -Infinity])("does not look at %s in a filtered position", (bad) => {
    expect(count([bad, 2, 2, bad], [0, 3])).toEqual({ greater: 0, equal: 1 });
  });

  it("names the entity that counts, not a filtered one before it", () => {
    expect(() => count([Number.NaN, 2, 2, Infinity], [0])).toThrow("Entity 3 scores Infinity");
  });

  it("names the entity of the query at fault, whatever other queries filter", () => {
    // Query 0 filters entity 2, query 1 entity 0.
    const queries: RankQueries = {
      heads: Int32Array.of(7, 8),
      relations: Int32Array.of(0, 0),
      targets: Int32Array.of(1, 1),
      filterOffsets: Int32Array.of(0, 1, 2),
      filterIds: Int32Array.of(2, 0),
    };
    const out = { greater: new Int32Array(2), equal: new Int32Array(2) };
    const ask = (...scores: readonly number[]) => countRanks(Float32Array.from(scores), 3, queries, out);
    expect(() => ask(Infinity, 0, 0, 0, 0, 0)).toThrow("Entity 0 scores Infinity in the query (7, 0, ?)");
    expect(() => ask(0, 0, NaN, NaN, 0, -Infinity)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining("Entity 2 scores -Infinity in the query (8, 0, ?)") as string,
        value: { head: 8, relation: 0, entity: 2, score: -Infinity },
      }),
    );
  });

  it("refuses scores that are not B x N", () => {
    const queries: RankQueries = {
      heads: Int32Array.of(0, 1),
      relations: Int32Array.of(0, 0),
      targets: Int32Array.of(1, 1),
      filterOffsets: Int32Array.of(0, 0, 0),
      filterIds: new Int32Array(),
    };
    const out = { greater: new Int32Array(2), equal: new Int32Array(2) };
    for (const scores of [new Float32Array(3), [1, 2, 3, 4] as unknown as Float32Array]) {
      expect(() => countRanks(scores, 2, queries, out)).toThrow(
        expect.objectContaining({
          code: "EVAL_BAD_OPTION",
          message: expect.stringContaining("scores: must be a Float32Array of B x N = 2 x 2 values") as string,
        }),
      );
    }
  });

  it("refuses a NaN in a whole ranking, a head query by its reciprocal relation, but not where an answer is known", async () => {
    const scorer = scorerOf(4, (_head, relation, tail) => (relation === 1 && tail === 3 ? Number.NaN : tail));
    const options = { triples: list([0, 0, 1]), numRelations: 1 };
    await expect(rankTriples(scorer, options)).rejects.toMatchObject({
      code: "SCORE_NOT_FINITE",
      message: expect.stringContaining("Entity 3 scores NaN in the query (1, 1, ?) whose answer is 0") as string,
    });
    const known = knownAnswers(4, 1, list([3, 0, 1]));
    const { head } = await rankTriples(scorer, { ...options, known });
    expect([head.ranks[0], head.candidates[0]]).toEqual([3, 3]);
  });
});
