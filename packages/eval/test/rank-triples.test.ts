import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  knownAnswers,
  type KnownAnswers,
  ranksFromCounts,
  rankTriples,
  type RankOptions,
  type Scorer,
  type Tie,
  type TripleList,
} from "../src/index.js";
import { fusedOf, graphs, list, naiveKnown, naiveRank, scorerOf } from "./_graphs.js";

const TIES: readonly Tie[] = ["realistic", "optimistic", "pessimistic"];

describe("rankTriples", () => {
  it("ranks as sorting does, filtered and raw, for each kind of tie, on both paths and any batch size", async () => {
    await fc.assert(
      fc.asyncProperty(
        graphs,
        fc.constantFrom(...TIES),
        fc.boolean(),
        fc.integer({ min: 1, max: 14 }),
        fc.boolean(),
        async (graph, tie, filtered, batchSize, fused) => {
          const { numEntities, numRelations, triples, train, score } = graph;
          const all = naiveKnown(numRelations, [...triples, ...train]);
          const known = filtered
            ? knownAnswers(numEntities, numRelations, list(...train), list(...triples))
            : undefined;
          const options: RankOptions = { triples: list(...triples), numRelations, known, tie, batchSize };
          const scorer = fused ? fusedOf(numEntities, score) : scorerOf(numEntities, score);
          const result = await rankTriples(scorer, options);

          const expected = (head: number, relation: number, target: number) => {
            const leftOut = new Set(filtered ? Array.from(all.answers(head, relation)) : []);
            return naiveRank(numEntities, (e) => score(head, relation, e), target, leftOut, tie);
          };
          const tail = triples.map(([h, r, t]) => expected(h, r, t));
          const head = triples.map(([h, r, t]) => expected(t, r + numRelations, h));
          for (const [side, naive] of [
            [result.tail, tail],
            [result.head, head],
          ] as const) {
            expect(Array.from(side.ranks)).toEqual(naive.map(({ rank }) => rank));
            expect(Array.from(side.candidates)).toEqual(naive.map(({ candidates }) => candidates));
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  it("gives the other kinds of rank from the counts, without scoring again", async () => {
    await fc.assert(
      fc.asyncProperty(graphs, async ({ numEntities, numRelations, triples, score }) => {
        const scorer = scorerOf(numEntities, score);
        const options = { triples: list(...triples), numRelations };
        const { tail } = await rankTriples(scorer, options);
        for (const tie of TIES) {
          const again = await rankTriples(scorer, { ...options, tie });
          expect(ranksFromCounts(tail, tie)).toEqual(again.tail.ranks);
        }
        expect(ranksFromCounts(tail)).toEqual(tail.ranks);
      }),
      { numRuns: 50 },
    );
  });

  it("hands the fused path sorted filters without the target", async () => {
    const triples = list([0, 0, 3], [0, 0, 1]);
    const known = knownAnswers(5, 1, list([0, 0, 4], [0, 0, 1], [0, 0, 3], [2, 0, 3]));
    const scorer = fusedOf(5, () => 0);
    await rankTriples(scorer, { triples, numRelations: 1, known });
    const [tail, head] = scorer.seen;
    expect(tail).toEqual({
      heads: Int32Array.of(0, 0),
      relations: Int32Array.of(0, 0),
      targets: Int32Array.of(3, 1),
      filterOffsets: Int32Array.of(0, 2, 4),
      filterIds: Int32Array.of(1, 4, 3, 4),
    });
    expect(head).toEqual({
      heads: Int32Array.of(3, 1),
      relations: Int32Array.of(1, 1),
      targets: Int32Array.of(0, 0),
      filterOffsets: Int32Array.of(0, 1, 1),
      filterIds: Int32Array.of(2),
    });
  });

  it("keeps a scorer's `this` on both paths", async () => {
    class Own implements Scorer {
      readonly numEntities = 3;
      readonly level = 1;
      scoreAll(_heads: Int32Array, _relations: Int32Array, out: Float32Array): void {
        out.fill(this.level);
      }
    }
    class OwnFused extends Own {
      rank(_queries: unknown, out: { greater: Int32Array; equal: Int32Array }): void {
        out.greater.fill(0);
        out.equal.fill(this.level);
      }
    }
    const options = { triples: list([0, 0, 1]), numRelations: 1 };
    expect((await rankTriples(new Own(), options)).tail.ranks[0]).toBe(2);
    expect((await rankTriples(new OwnFused(), options)).tail.ranks[0]).toBe(1.5);
  });

  it("ranks one side when asked, in empty columns for the other", async () => {
    const triples = list([0, 0, 1], [1, 0, 2]);
    // The relation tells the side: with relation 0 the target is best, with its reciprocal 1 it is last.
    const score = (head: number, relation: number, tail: number) =>
      relation === 0 ? Number(tail === head + 1) : Number(tail !== head - 1);
    const scorer = scorerOf(3, score);
    const tail = await rankTriples(scorer, { triples, numRelations: 1, sides: "tail" });
    expect([Array.from(tail.tail.ranks), Array.from(tail.head.ranks)]).toEqual([[1, 1], []]);
    const head = await rankTriples(scorer, { triples, numRelations: 1, sides: "head" });
    expect([Array.from(head.tail.ranks), Array.from(head.head.ranks)]).toEqual([[], [3, 3]]);
    expect(scorer.blocks).toEqual([2, 2]);
    const both = await rankTriples(scorer, { triples, numRelations: 1, sides: "both" });
    expect(both).toEqual({ tail: tail.tail, head: head.head });
  });

  it("never asks for more than the batch size, by default 64 MiB of scores and 1024 queries", async () => {
    const scorer = scorerOf(3, () => 0);
    await rankTriples(scorer, { triples: list([0, 0, 1], [1, 0, 2], [0, 0, 2]), numRelations: 1, batchSize: 2 });
    expect(scorer.blocks).toEqual([2, 1, 2, 1]);

    const many = list(...Array.from({ length: 1500 }, () => [0, 0, 1] as const));
    const small = scorerOf(2, () => 0);
    await rankTriples(small, { triples: many, numRelations: 1, sides: "tail" });
    expect(small.blocks).toEqual([1024, 476]);

    const numEntities = 2 ** 22;
    const large = { ...fusedOf(numEntities, () => 0), sizes: [] as number[] };
    large.rank = (queries, out) => {
      large.sizes.push(queries.heads.length);
      out.greater.fill(0);
      out.equal.fill(0);
    };
    await rankTriples(large, { triples: list([0, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, 1]), numRelations: 1 });
    expect(large.sizes).toEqual([4, 1, 4, 1]);
  });

  it("reports progress over both sides", async () => {
    const calls: (readonly [number, number])[] = [];
    await rankTriples(
      scorerOf(3, () => 0),
      {
        triples: list([0, 0, 1], [1, 0, 2], [0, 0, 2]),
        numRelations: 1,
        batchSize: 2,
        onProgress: (done, total) => calls.push([done, total]),
      },
    );
    expect(calls).toEqual([
      [2, 6],
      [3, 6],
      [5, 6],
      [6, 6],
    ]);
  });

  it("reports progress over the one side that it ranks", async () => {
    for (const sides of ["head", "tail"] as const) {
      const calls: (readonly [number, number])[] = [];
      const onProgress = (done: number, total: number) => calls.push([done, total]);
      const scorer = scorerOf(3, () => 0);
      await rankTriples(scorer, {
        triples: list([0, 0, 1], [1, 0, 2]),
        numRelations: 1,
        sides,
        batchSize: 1,
        onProgress,
      });
      expect(calls).toEqual([
        [1, 2],
        [2, 2],
      ]);
    }
  });

  it("stops before the next block when aborted, with the signal's reason", async () => {
    const reason = new Error("enough");
    const scorer = scorerOf(3, () => 0);
    const options = { triples: list([0, 0, 1], [1, 0, 2], [0, 0, 2]), numRelations: 1, batchSize: 1 };
    await expect(rankTriples(scorer, { ...options, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(scorer.blocks).toEqual([]);

    const controller = new AbortController();
    const onProgress = (done: number) => {
      if (done === 2) controller.abort(reason);
    };
    await expect(rankTriples(scorer, { ...options, signal: controller.signal, onProgress })).rejects.toBe(reason);
    expect(scorer.blocks).toEqual([1, 1]);
  });

  it("hands the signal to the scorer", async () => {
    const { signal } = new AbortController();
    const seen: unknown[] = [];
    const scorer: Scorer = {
      numEntities: 3,
      scoreAll(_heads, _relations, out, options) {
        seen.push(options?.signal);
        out.fill(0);
      },
    };
    await rankTriples(scorer, { triples: list([0, 0, 1]), numRelations: 1, signal });
    expect(seen).toEqual([signal, signal]);
  });

  it("lets timers run between blocks of a synchronous scorer, so that an abort from outside is seen", async () => {
    const controller = new AbortController();
    const timer = setTimeout(() => {
      controller.abort(new Error("interrupted"));
    }, 1);
    const busy = scorerOf(2, () => {
      const until = performance.now() + 1;
      while (performance.now() < until);
      return 0;
    });
    const many = list(...Array.from({ length: 5000 }, () => [0, 0, 1] as const));
    const ranking = rankTriples(busy, { triples: many, numRelations: 1, batchSize: 1, signal: controller.signal });
    await expect(ranking).rejects.toThrow("interrupted");
    clearTimeout(timer);
    expect(busy.blocks.length).toBeLessThan(5000);
  });
});

describe("the event loop's turns", () => {
  afterEach(() => vi.restoreAllMocks());

  it("come while a ranking is long, but not after every block", async () => {
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => now);
    const turns = vi.spyOn(globalThis, "setTimeout");
    const rankIn = async (milliseconds: number): Promise<number> => {
      const scorer: Scorer = {
        numEntities: 2,
        scoreAll(_heads, _relations, out) {
          now += milliseconds;
          out.fill(0);
        },
      };
      turns.mockClear();
      const triples = list(...Array.from({ length: 12 }, () => [0, 0, 1] as const));
      await rankTriples(scorer, { triples, numRelations: 1, sides: "tail", batchSize: 1 });
      return turns.mock.calls.length;
    };
    // 12 blocks, and a turn as soon as more than 50 ms have passed.
    expect(await rankIn(1)).toBe(0);
    expect(await rankIn(20)).toBe(4);
    expect(await rankIn(100)).toBe(12);
  });
});

describe("rankTriples refuses", () => {
  const scorer = scorerOf(3, () => 0);
  const triples = list([0, 0, 1], [1, 0, 2]);
  const refusal = (options: Partial<RankOptions>, by: Scorer = scorer) =>
    expect(rankTriples(by, { triples, numRelations: 1, ...options })).rejects;

  it("no triples", async () => {
    await refusal({ triples: list() }).toMatchObject({
      name: "MuldeError",
      code: "EVAL_BAD_TRIPLES",
      message: "triples: there is nothing to rank; pass at least one triple.",
    });
  });

  it("ids out of range, naming the triple", async () => {
    const wrong = (message: string) => ({
      code: "EVAL_BAD_TRIPLES",
      message: expect.stringContaining(message) as string,
    });
    await refusal({ triples: list([0, 0, 1], [1, 0, 3]) }).toMatchObject(
      wrong("triples.tails.1: 3 is outside 0..2; encode"),
    );
    await refusal({ triples: list([-1, 0, 1]) }).toMatchObject(wrong("triples.heads.0: -1 is outside 0..2"));
    await refusal({ triples: list([0, 1, 1]) }).toMatchObject(
      wrong("triples.relations.0: 1 is outside 0..0; pass the plain relations"),
    );
  });

  it("columns of different lengths", async () => {
    const { heads, relations } = triples;
    await refusal({ triples: { heads, relations, tails: Int32Array.of(1), length: 2 } }).toMatchObject({
      code: "EVAL_BAD_TRIPLES",
      message: "triples.tails: has 1 ids, but the length of the list is 2; give three columns of one length.",
    });
  });

  it("options without a meaning", async () => {
    const wrong = { code: "EVAL_BAD_OPTION" };
    await refusal({ batchSize: 0 }).toMatchObject({
      ...wrong,
      message: "batchSize: must be a positive integer, but is 0.",
    });
    await refusal({ batchSize: 1.5 }).toMatchObject(wrong);
    await refusal({ numRelations: 0 }).toMatchObject({
      ...wrong,
      message: "numRelations: must be a positive integer, but is 0.",
    });
    await refusal({ tie: "mean" as Tie }).toMatchObject({
      ...wrong,
      message: 'tie: "mean" is not one of realistic, optimistic, pessimistic.',
    });
    await refusal({ sides: "tails" as "tail" }).toMatchObject({
      ...wrong,
      message: 'sides: "tails" is not one of both, head, tail.',
    });
    await refusal({}, { ...scorer, numEntities: Number.NaN }).toMatchObject({
      ...wrong,
      message: "scorer.numEntities: must be a positive integer, but is NaN.",
    });
  });

  it("known answers that are unsorted, repeated or out of range", async () => {
    for (const answers of [[2, 1], [1, 1], [0, 3], [-1]]) {
      await refusal({ known: { answers: () => answers } }).toMatchObject({
        code: "EVAL_BAD_FILTER",
        message: expect.stringContaining("known: the answers of (0, 0, ?) hold") as string,
      });
    }
  });

  it("known answers without a function answers, naming what makes them", async () => {
    for (const known of [[triples], new Map(), () => [], "all"] as unknown as KnownAnswers[]) {
      await refusal({ known }).toMatchObject({
        code: "EVAL_BAD_FILTER",
        message: expect.stringMatching(/^known: has no function answers.*knownAnswers\(/) as string,
      });
    }
    const set = { answers: () => new Set([1]) } as unknown as KnownAnswers;
    await refusal({ known: set }).toMatchObject({
      code: "EVAL_BAD_FILTER",
      message: expect.stringContaining("the answers of (0, 0, ?) have no length") as string,
    });
  });

  it("triples in another form, naming the column", async () => {
    const { heads, relations, tails } = triples;
    const wrong: readonly [unknown, string][] = [
      [undefined, "triples: give triples as { heads, relations, tails, length }"],
      [[[0, 0, 1]], "triples: give triples as { heads, relations, tails, length }"],
      [{ heads, tails, length: 2 }, "triples: give triples as { heads, relations, tails, length }"],
      [{ heads, relations, length: 2 }, "triples: give triples as { heads, relations, tails, length }"],
      [{ heads, relations, tails }, "triples.length: is undefined; give the number of triples"],
      [{ heads: [0, 1], relations, tails, length: 2 }, "triples.heads: must be an Int32Array; pass Int32Array.from"],
      [{ heads, relations, tails: Float64Array.of(1, 2), length: 2 }, "triples.tails: must be an Int32Array"],
    ];
    for (const [given, message] of wrong) {
      await refusal({ triples: given as TripleList }).toMatchObject({
        code: "EVAL_BAD_TRIPLES",
        message: expect.stringContaining(message) as string,
      });
    }
  });

  it("another number of relations than the scorer has", async () => {
    const sized = { ...scorer, numRelations: 1 };
    expect((await rankTriples(sized, { triples, numRelations: 1 })).tail.ranks).toHaveLength(2);
    await refusal({ numRelations: 4 }, sized).toMatchObject({
      code: "EVAL_BAD_OPTION",
      message: expect.stringContaining("numRelations: is 4, but the scorer's numRelations is 1") as string,
    });
  });

  it("a teacher in place of a scorer, naming what wraps it", async () => {
    await refusal({}, { numEntities: 3, score: () => undefined } as unknown as Scorer).toMatchObject({
      code: "EVAL_BAD_OPTION",
      message: expect.stringContaining(
        "scorer: has no function scoreAll; make a scorer of a teacher by teacherScorer",
      ) as string,
    });
  });

  it("impossible fused counts", async () => {
    const fused = (greater: number, equal: number): Scorer => ({
      ...scorer,
      rank(_queries, out) {
        out.greater.fill(greater);
        out.equal.fill(equal);
      },
    });
    const wrong = { code: "EVAL_BAD_COUNTS" };
    await refusal({}, fused(2, 1)).toMatchObject(wrong);
    await refusal({}, fused(-1, 1)).toMatchObject(wrong);
    const known = knownAnswers(3, 1, list([0, 0, 1], [0, 0, 2]));
    await refusal({ known }, fused(1, 1)).toMatchObject({
      ...wrong,
      message: expect.stringContaining(
        "counts 1 entities above the answer of (0, 0, ?) and 1 level with it, but there are 1 competitors",
      ) as string,
    });
    for (const half of ["greater", "equal"] as const) {
      const forgetful: Scorer = { ...scorer, rank: (_queries, out) => void out[half].fill(0) };
      await refusal({}, forgetful).toMatchObject(wrong);
    }
  });

  it("a scorer that leaves entities unwritten, also in later blocks", async () => {
    let calls = 0;
    const forgetful: Scorer = {
      numEntities: 3,
      scoreAll(_heads, _relations, out) {
        out.fill(0, 0, calls++ === 0 ? 3 : 2);
      },
    };
    await refusal({ batchSize: 1 }, forgetful).toMatchObject({
      code: "SCORE_NOT_FINITE",
      message: expect.stringContaining("Entity 2 scores NaN in the query (1, 0, ?) whose answer is 2") as string,
    });
  });

  it("what the scorer refuses", async () => {
    const broken = new Error("no such model");
    await refusal({}, { numEntities: 3, scoreAll: () => Promise.reject(broken) }).toBe(broken);
  });
});
