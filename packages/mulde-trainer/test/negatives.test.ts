import { indexAnswers, tripleList } from "@mulde/datasets";
import { sharedKernels } from "@mulde/kge-models";
import { describe, expect, it } from "vitest";
import { type Batch, Batches, distinctQueries, headQueryRates, prepareData } from "../src/data.js";
import { WrongAnswers } from "../src/wrong-answers.js";
import { NegativeSampler } from "../src/negatives.js";

const entities = 10;
// Head 0 knows eight of ten entities, head 1 all of them.
const known = indexAnswers(
  entities,
  1,
  tripleList(
    Int32Array.from([0, 0, 0, 0, 0, 0, 0, 0, ...new Array<number>(10).fill(1)]),
    new Int32Array(18),
    Int32Array.from([0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
  ),
);
const batch: Batch = {
  epoch: 0,
  step: 2,
  heads: Int32Array.of(0, 1, 5),
  relations: new Int32Array(3),
  tails: Int32Array.of(3, 4, 6),
};
const negatives = 40;
const K = 1 + negatives;

const plain = {
  seed: 3,
  batchSize: 4,
  negatives,
  filterNegatives: false,
  shareNegatives: false,
  headNegative: false,
  neighbourNegative: false,
};

async function draw(options: Partial<typeof plain>, step = 2): Promise<number[][]> {
  const sampler = new NegativeSampler(await sharedKernels(), entities, { ...plain, ...options }, () => known);
  const ids = sampler.draw({ ...batch, step });
  const rows = [0, 1, 2].map((b) => [...ids.subarray(b * K, (b + 1) * K)]);
  sampler.dispose();
  return rows;
}

describe("negative sampling", () => {
  it("puts the true answer first and random entities behind it, others at each step", async () => {
    const rows = await draw({});
    expect(rows.map((row) => row[0])).toEqual([3, 4, 6]);
    expect(new Set(rows.flat()).size).toBe(entities);
    expect(await draw({})).toEqual(rows);
    expect(await draw({}, 3)).not.toEqual(rows);
  });

  it("filtered, takes no known answer but where all entities are", async () => {
    const rows = await draw({ filterNegatives: true });
    expect(new Set(rows[0]!.slice(1))).toEqual(new Set([8, 9]));
    const unfiltered = await draw({});
    // Nothing else is changed: the query that knows everything, and the one that knows nothing.
    expect(rows.slice(1)).toEqual(unfiltered.slice(1));
  });

  it("shared, gives all queries the same", async () => {
    const rows = await draw({ shareNegatives: true });
    expect(rows.map((row) => row[0])).toEqual([3, 4, 6]);
    expect(rows[1]!.slice(1)).toEqual(rows[0]!.slice(1));
    expect(rows[2]!.slice(1)).toEqual(rows[0]!.slice(1));
    expect(new Set(rows[0]).size).toBeGreaterThan(5);
  });
});

describe("a query's head among its negatives", () => {
  // Heads 0 and 1 are known answers of their queries, head 5 is none of its.
  it("is one of them in place of a random entity, unless it is a known answer", async () => {
    const rows = await draw({});
    expect(rows[2]![1]).not.toBe(5);
    expect(await draw({ headNegative: true })).toEqual([rows[0], rows[1], [6, 5, ...rows[2]!.slice(2)]]);
  });

  it("is the query's own where the others are shared, and stays where known answers are filtered", async () => {
    for (const options of [{ shareNegatives: true }, { filterNegatives: true }]) {
      const rows = await draw(options);
      const own = await draw({ ...options, headNegative: true });
      expect(own).toEqual([rows[0], rows[1], [6, 5, ...rows[2]!.slice(2)]]);
    }
  });

  it("has each teacher's lowest score of the row among a soft label's candidates", () => {
    // A head may be drawn twice.
    const candidates = Int32Array.of(2, 0, 9, 3, 1, 4, 5, 5, 8);
    const scores = Float32Array.of(-1, 7, -3, -2, 8, -4, -5, 9, -6, 10, 20, 30, 11, 21, 31, 13, 22, 12);
    new WrongAnswers({ headNegative: true, neighbourNegative: false, seed: 0 }, known).intoScores(
      batch,
      3,
      candidates,
      scores,
    );
    expect([...scores]).toEqual([-1, 7, -3, -2, 8, -4, -6, -6, -6, 10, 20, 30, 11, 21, 31, 12, 12, 12]);
  });
});

describe("neighbours of a query's head among its negatives", () => {
  // Relations 0 and 2 both hold of the pair (5, 6); relation 1 has no pair in common with either.
  const facts = tripleList(Int32Array.of(0, 0, 0, 5, 5), Int32Array.of(0, 1, 2, 0, 2), Int32Array.of(1, 2, 3, 6, 6));
  const index = indexAnswers(entities, 3, facts);
  const queries = { heads: Int32Array.of(0, 0, 5), relations: Int32Array.of(0, 1, 0), tails: Int32Array.of(1, 2, 6) };
  const near = (headNegative: boolean): WrongAnswers =>
    new WrongAnswers({ headNegative, neighbourNegative: true, seed: 3 }, index);
  const drawn = (headNegative: boolean, step: number, width = 3): number[][] => {
    const candidates = new Int32Array(3 * width).fill(9);
    near(headNegative).intoCandidates({ ...queries, step }, width, candidates);
    return [0, 1, 2].map((b) => [...candidates.subarray(b * width, (b + 1) * width)]);
  };

  it("are of relations without a pair in common with the query's, one at a time", () => {
    const rows = Array.from({ length: 20 }, (_, step) => drawn(false, step));
    expect(new Set(rows.map((row) => row[0]![1]))).toEqual(new Set([2]));
    expect(new Set(rows.map((row) => row[1]![1]))).toEqual(new Set([1, 3]));
    expect(rows.every((row) => row[2]![1] === 9 && row.every((ids) => ids[0] === 9 && ids[2] === 9))).toBe(true);
    expect(drawn(false, 7)).toEqual(rows[7]);
  });

  it("come behind the head, where there is room", () => {
    const rows = drawn(true, 0);
    expect([rows[0], rows[2]]).toEqual([
      [9, 0, 2],
      [9, 5, 9],
    ]);
    expect(drawn(true, 0, 2).map((row) => row[1])).toEqual([0, 0, 5]);
  });

  it("are drawn by the sampler, and of reciprocal relations too", async () => {
    const options = { ...plain, negatives: 4, neighbourNegative: true };
    const sampler = new NegativeSampler(await sharedKernels(), entities, options, () => index);
    const asked = { heads: Int32Array.of(6, 2), relations: Int32Array.of(1, 0), tails: Int32Array.of(9, 9) };
    const ids = [...sampler.draw({ epoch: 0, step: 0, ...asked })];
    sampler.dispose();
    expect([ids[1], ids[6]]).toEqual([5, 0]);
  });

  it("all have each teacher's lowest score of the row among a soft label's candidates", () => {
    const candidates = Int32Array.of(2, 0, 9, 3, 1, 4, 5, 6, 8);
    const scores = Float32Array.of(7, -1, -3, 8, 9, 6, -5, 9, -6, 30, 20, 10, 21, 31, 11, 13, 22, 12);
    near(true).intoScores(queries, 3, candidates, scores);
    expect([...scores]).toEqual([-3, -3, -3, 6, 6, 6, -6, 9, -6, 10, 10, 10, 11, 11, 11, 12, 22, 12]);
  });
});

describe("entities whose place is taken", () => {
  // Relation 0, a child's parent: 1 and 2 have 0, and 3 has 4. Its reciprocal has 1.5 answers on average.
  const index = indexAnswers(
    entities,
    1,
    tripleList(Int32Array.of(1, 2, 3), new Int32Array(3), Int32Array.of(0, 0, 4)),
  );
  const queries = { heads: Int32Array.of(0, 3), relations: Int32Array.of(1, 0) };
  const lowered = (functional: number): number[] => {
    const options = { headNegative: false, neighbourNegative: false, seed: 0, functional };
    const scores = Float32Array.of(5, 7, 6, 5, 7, 6);
    new WrongAnswers(options, index).intoScores(queries, 3, Int32Array.of(1, 3, 5, 4, 0, 5), scores);
    return [...scores];
  };

  it("have each teacher's lowest score of the row, where few heads have more than one answer", () => {
    // Children of 0: not 3, which has another parent.
    expect(lowered(1)).toEqual([5, 5, 6, 5, 7, 6]);
    // Parents of 3: not 0, which has children.
    expect(lowered(1.5)).toEqual([5, 5, 6, 5, 5, 6]);
    expect(lowered(0.9)).toEqual([5, 7, 6, 5, 7, 6]);
  });
});

describe("Bernoulli sampling", () => {
  // Relation 0: head 0 has four tails. Relation 1: one to one. Relation 2 does not occur in training.
  const train = tripleList(
    Int32Array.of(0, 0, 0, 0, 1, 2),
    Int32Array.of(0, 0, 0, 0, 1, 1),
    Int32Array.of(1, 2, 3, 4, 5, 6),
  );
  const data = prepareData({ entities: { size: 7 }, relations: { size: 3 }, train, valid: train, test: train });

  it("asks for the head as often as tails per head count beside heads per tail", () => {
    // tph = 4, hpt = 1; and 1, 1
    expect([...headQueryRates(data)]).toEqual([0.8, 0.5, 0.5]);
  });

  it("draws each query's direction by these rates, and keeps the triples", () => {
    const batches = new Batches(data.queries, 12, 5, headQueryRates(data));
    let asked = 0;
    for (let epoch = 0; epoch < 500; epoch++) {
      const { heads, relations, tails } = batches.at(epoch);
      const triples = [...heads].map((h, b) =>
        relations[b]! < 3 ? [h, relations[b], tails[b]] : [tails[b], relations[b]! - 3, h],
      );
      // Each triple twice, as both directions would be.
      expect(triples.map(String).sort()).toEqual(
        [...train.heads].flatMap((h, i) => Array(2).fill(String([h, train.relations[i], train.tails[i]]))).sort(),
      );
      asked += [...relations].filter((r) => r === 3).length;
    }
    // 4000 draws of .8: seven standard deviations
    expect(Math.abs(asked / 4000 - 0.8)).toBeLessThan(0.045);
  });
});

describe("the queries of KvsAll", () => {
  it("are the distinct ones", () => {
    const list = tripleList(Int32Array.of(0, 0, 1, 0), Int32Array.of(0, 0, 0, 1), Int32Array.of(1, 2, 3, 4));
    const { heads, relations, tails, length } = distinctQueries(list, 1);
    expect([length, [...heads], [...relations], [...tails]]).toEqual([3, [0, 1, 0], [0, 0, 1], [1, 3, 4]]);
  });
});
