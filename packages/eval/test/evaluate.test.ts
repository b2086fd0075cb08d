import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { denseScorer, evaluate, knownAnswers, summarise, type RankingReport } from "../src/index.js";
import { fusedOf, graphs, list, naiveKnown, naiveRank, scorerOf, type Triple } from "./_graphs.js";

function withoutTime(report: RankingReport): Omit<RankingReport, "seconds"> {
  const { seconds, ...rest } = report;
  expect(seconds).toBeGreaterThanOrEqual(0);
  return rest;
}

describe("evaluate", () => {
  it("reports what a naive evaluation of every group of triples reports", async () => {
    await fc.assert(
      fc.asyncProperty(graphs, async ({ numEntities, numRelations, triples, train, score }) => {
        const all = naiveKnown(numRelations, [...triples, ...train]);
        const rankOf = (head: number, relation: number, target: number) => {
          const leftOut = new Set(Array.from(all.answers(head, relation)));
          return naiveRank(numEntities, (e) => score(head, relation, e), target, leftOut, "realistic");
        };
        const metrics = (group: readonly Triple[]) => {
          const tail = group.map(([h, r, t]) => rankOf(h, r, t));
          const head = group.map(([h, r, t]) => rankOf(t, r + numRelations, h));
          const [both, ...sides] = [[...tail, ...head], head, tail].map((found) => {
            const mean = (value: (each: { rank: number; candidates: number }) => number) =>
              found.map(value).reduce((sum, each) => sum + each, 0) / found.length;
            const chance = mean(({ candidates }) => (candidates + 1) / 2);
            const mr = mean(({ rank }) => rank);
            const share = (k: number) => mean(({ rank }) => Number(rank <= k));
            return {
              mrr: expect.closeTo(
                mean(({ rank }) => 1 / rank),
                10,
              ) as number,
              mr: expect.closeTo(mr, 10) as number,
              amri: expect.closeTo(chance === 1 ? 0 : 1 - (mr - 1) / (chance - 1), 10) as number,
              hits: { "1": share(1), "2": share(2) },
              ranks: found.length,
            };
          });
          return { ...both, head: sides[0], tail: sides[1] };
        };
        const report = await evaluate(scorerOf(numEntities, score), {
          triples: list(...triples),
          numRelations,
          known: knownAnswers(numEntities, numRelations, list(...triples), list(...train)),
          hitsAt: [1, 2],
        });
        const relations = [...new Set(triples.map(([, r]) => r))].sort((a, b) => a - b);
        expect(withoutTime(report)).toEqual({
          ...metrics(triples),
          tie: "realistic",
          filtered: true,
          byRelation: relations.map((relation) => ({
            relation,
            ...metrics(triples.filter(([, r]) => r === relation)),
          })),
        });
      }),
      { numRuns: 200 },
    );
  });

  it("gives one report for any batch size and for both paths", async () => {
    await fc.assert(
      fc.asyncProperty(graphs, fc.integer({ min: 1, max: 5 }), async (graph, batchSize) => {
        const { numEntities, numRelations, triples, train, score } = graph;
        const trainTriples = list(...train);
        const known = knownAnswers(numEntities, numRelations, trainTriples);
        const options = { triples: list(...triples), numRelations, known, trainTriples };
        const plain = withoutTime(await evaluate(scorerOf(numEntities, score), options));
        expect(withoutTime(await evaluate(scorerOf(numEntities, score), { ...options, batchSize }))).toEqual(plain);
        expect(withoutTime(await evaluate(fusedOf(numEntities, score), options))).toEqual(plain);
        expect(withoutTime(await evaluate(fusedOf(numEntities, score), { ...options, batchSize }))).toEqual(plain);
      }),
    );
  });

  it("gives constant scores the rank of chance when realistic, the first when optimistic, the last when pessimistic", async () => {
    const constant = scorerOf(6, () => 0.25);
    const triples = list([0, 0, 1], [1, 1, 2], [3, 0, 5]);
    const known = knownAnswers(6, 2, triples, list([0, 0, 4], [2, 1, 2], [3, 0, 1], [3, 0, 2]));
    const options = { triples, numRelations: 2, known };
    const realistic = await evaluate(constant, options);
    expect([realistic.amri, realistic.head.amri, realistic.tail.amri]).toEqual([0, 0, 0]);
    expect(realistic.tail.mr).toBeCloseTo((3 + 3.5 + 2.5) / 3, 12);
    expect(await evaluate(constant, { ...options, tie: "optimistic" })).toMatchObject({ mrr: 1, amri: 1 });
    const pessimistic = await evaluate(constant, { ...options, tie: "pessimistic" });
    expect(pessimistic).toMatchObject({ amri: -1, tie: "pessimistic", tail: { mr: (5 + 6 + 4) / 3 } });
  });

  it("splits hand-computed ranks by relation and by category, with head and tail the right way round", async () => {
    // Entity 0 points to 1, 2 and 3 by relation 0 (1-N); relation 1 links 1 to 2 (1-1); relation 2 is not in training.
    const trainTriples = list([0, 0, 1], [0, 0, 2], [1, 1, 2]);
    const triples = list([0, 0, 3], [1, 1, 3], [2, 2, 3]);
    // Entity ids are the scores, so a target e has 3 - e entities above it.
    const scorer = scorerOf(4, (_head, _relation, tail) => tail);
    const report = await evaluate(scorer, { triples, numRelations: 3, trainTriples, hitsAt: [1] });
    const side = (mr: number, ranks = 1) => ({ mr, ranks });
    expect(report).toMatchObject({
      filtered: false,
      tie: "realistic",
      head: side(3, 3),
      tail: side(1, 3),
      ...side(2, 6),
    });
    expect(report.hits).toEqual({ "1": 0.5 });
    expect(report.byRelation).toMatchObject([
      { relation: 0, ...side(2.5, 2), head: side(4), tail: side(1) },
      { relation: 1, ...side(2, 2), head: side(3), tail: side(1) },
      { relation: 2, ...side(1.5, 2), head: side(2), tail: side(1) },
    ]);
    expect(report.byCategory).toMatchObject({
      "1-1": { ...side(2, 2), head: side(3), tail: side(1) },
      "1-N": { ...side(2.5, 2), head: side(4), tail: side(1) },
      "N-1": side(NaN, 0),
      "N-N": side(NaN, 0),
    });
  });

  it("tells the four categories apart", async () => {
    // Relation 0 is 1-1, 1 is 1-N, 2 is N-1, 3 is N-N, and all but the first link entities 0 to 3.
    const trainTriples = list(
      ...([[4, 0, 5]] as const),
      ...([1, 2, 3].map((tail) => [0, 1, tail]) as Triple[]),
      ...([1, 2, 3].map((head) => [head, 2, 0]) as Triple[]),
      ...([0, 1].flatMap((head) => [2, 3].map((tail) => [head, 3, tail])) as Triple[]),
    );
    const scorer = scorerOf(6, (_head, _relation, tail) => -tail);
    // A triple's tail is its tail rank less 1.
    const triples = list([0, 0, 0], [0, 1, 1], [0, 2, 2], [0, 3, 3]);
    const report = await evaluate(scorer, { triples, numRelations: 4, trainTriples });
    expect(report.byCategory).toMatchObject({
      "1-1": { ranks: 2, tail: { mr: 1 } },
      "1-N": { ranks: 2, tail: { mr: 2 } },
      "N-1": { ranks: 2, tail: { mr: 3 } },
      "N-N": { ranks: 2, tail: { mr: 4 } },
    });
  });

  it("tells the seconds of the ranking, no more than have passed", async () => {
    const before = performance.now();
    const { seconds } = await evaluate(
      scorerOf(3, () => 0),
      { triples: list([0, 0, 1]), numRelations: 1 },
    );
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual((performance.now() - before) / 1000);
  });

  it("takes null for no known answers, as callers without a compiler may pass it", async () => {
    const known = null as unknown as undefined;
    const scorer = scorerOf(3, (_head, _relation, tail) => tail);
    const report = await evaluate(scorer, { triples: list([0, 0, 1], [0, 0, 2]), numRelations: 1, known });
    expect(report).toMatchObject({ filtered: false, tail: { mr: 1.5 } });
  });

  it("has no categories without training triples, and no ranks on a side that was not asked for", async () => {
    const scorer = scorerOf(3, (_head, _relation, tail) => tail);
    const options = { triples: list([0, 0, 2]), numRelations: 1 };
    const tail = await evaluate(scorer, { ...options, sides: "tail" });
    expect(tail).not.toHaveProperty("byCategory");
    expect(tail).toMatchObject({ ranks: 1, mr: 1, tail: { ranks: 1, mr: 1 }, head: { ranks: 0, mr: NaN } });
    const head = await evaluate(scorer, { ...options, sides: "head" });
    expect(head).toMatchObject({ ranks: 1, mr: 3, head: { ranks: 1, mr: 3 }, tail: { ranks: 0 } });
  });

  it("refuses a wrong option before it scores anything", async () => {
    const scorer = scorerOf(3, () => 0);
    const options = { triples: list([0, 0, 2]), numRelations: 1 };
    await expect(evaluate(scorer, { ...options, hitsAt: [1, 2.5] })).rejects.toMatchObject({
      code: "EVAL_BAD_OPTION",
      message: "hitsAt.1: must be a positive integer, but is 2.5.",
    });
    await expect(evaluate(scorer, { ...options, trainTriples: list([0, 0, 3]) })).rejects.toThrow("trainTriples");
    expect(scorer.blocks).toEqual([]);
  });
});

describe("denseScorer", () => {
  it("reads row relation * N + head", async () => {
    // R = 1: the tail table says 1 for (0, 0, ?), the head table says 0 for (1, 1, ?); everything else is misleading.
    const scorer = denseScorer(Float32Array.of(0, 9, 9, 0, 0, 9, 9, 0), 2);
    const report = await evaluate(scorer, { triples: list([0, 0, 1]), numRelations: 1 });
    expect([report.head.mr, report.tail.mr]).toEqual([1, 1]);
    expect(report).toMatchObject(summarise([1, 1], 2));
  });

  it("refuses a table whose length is not a multiple of N x N", () => {
    const bad = (text: string) =>
      expect.objectContaining({ code: "EVAL_BAD_OPTION", message: expect.stringContaining(text) as string }) as Error;
    expect(() => denseScorer(new Float32Array(10), 2)).toThrow(
      bad("scores: holds 10 values, which is not a multiple of 2 x 2"),
    );
    const array = [1, 2, 3, 4] as unknown as Float32Array;
    expect(() => denseScorer(array, 2)).toThrow(bad("scores: must be a Float32Array"));
    expect(() => denseScorer(array, 2)).toThrow(expect.objectContaining({ value: array }));
    expect(() => denseScorer(new Float32Array(0), 2)).toThrow(bad("scores: holds 0 values"));
    expect(() => denseScorer(new Float32Array(4), 0)).toThrow(bad("numEntities: must be a positive integer, but is 0"));
  });

  it.each([
    [-1, 0],
    [2, 0],
    [0, -1],
    [0, 2],
  ])("refuses the query (%d, %d, ?), which its table does not hold", (head, relation) => {
    const two = denseScorer(new Float32Array(8), 2);
    const ask = () => two.scoreAll(Int32Array.of(0, head), Int32Array.of(0, relation), new Float32Array(4));
    expect(ask).toThrow(expect.objectContaining({ code: "EVAL_BAD_OPTION", value: [head, relation] }));
  });

  it("says how many relations it holds when it is asked for another one", async () => {
    const tailsOnly = denseScorer(new Float32Array(4), 2);
    await expect(evaluate(tailsOnly, { triples: list([0, 0, 1]), numRelations: 1 })).rejects.toMatchObject({
      code: "EVAL_BAD_OPTION",
      message:
        "The table has scores for relations 0..0 and heads 0..1, but the query is (1, 1, ?); " +
        'pass 2R x N x N scores, or R x N x N to rank with sides: "tail".',
    });
    expect(await evaluate(tailsOnly, { triples: list([0, 0, 1]), numRelations: 1, sides: "tail" })).toMatchObject({
      mr: 1.5,
    });
  });
});
