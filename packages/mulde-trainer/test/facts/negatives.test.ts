import { indexAnswers, tripleList } from "@mulde/datasets";
import { sharedKernels } from "@mulde/kge-models";
import { describe, expect, it } from "vitest";
import { UniformNegatives } from "../../src/facts/negatives.js";
import { type AnswerRule, type Batch, neighbours, ownHead } from "../../src/index.js";

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
const count = 40;
const K = 1 + count;

interface Draw {
  readonly filter?: boolean;
  readonly rules?: readonly AnswerRule[];
  readonly step?: number;
  readonly stride?: number;
  readonly seed?: number;
}

/** Rows of a block that is filled at a row stride. */
async function draw({ filter = false, rules = [], step = 2, stride = K, seed }: Draw): Promise<number[][]> {
  const options = { seed: 3, batchSize: 4, negatives: { count, filter, bothEnds: 0 } };
  const source = new UniformNegatives(await sharedKernels(), entities, options, rules, () => known, seed);
  expect(source.K).toBe(K);
  const candidates = new Int32Array(2 * stride + K).fill(-7);
  source.fill({ queries: { ...batch, step }, K, stride, candidates });
  const rows = [0, 1, 2].map((b) => [...candidates.subarray(b * stride, b * stride + K)]);
  // Nothing is written between the rows.
  for (const b of [0, 1]) {
    expect(candidates.subarray(b * stride + K, (b + 1) * stride).every((id) => id === -7)).toBe(true);
  }
  return rows;
}

describe("uniform negatives", () => {
  it("come behind the true answer, others at each step", async () => {
    const rows = await draw({});
    expect(rows.map((row) => row[0])).toEqual([3, 4, 6]);
    expect(new Set(rows.flat()).size).toBe(entities);
    expect(await draw({})).toEqual(rows);
    expect(await draw({ step: 3 })).not.toEqual(rows);
  });

  it("are the same wherever the block stands in the matrix", async () => {
    for (const filter of [false, true]) expect(await draw({ filter, stride: K + 5 })).toEqual(await draw({ filter }));
  });

  it("come from the run's stream, or from another one", async () => {
    const rows = await draw({});
    const others = await draw({ seed: 77 });
    expect(others.map((row) => row[0])).toEqual([3, 4, 6]);
    expect(others).not.toEqual(rows);
  });

  it("filtered, are no known answers unless all entities are", async () => {
    const rows = await draw({ filter: true });
    expect(new Set(rows[0]!.slice(1))).toEqual(new Set([8, 9]));
    const unfiltered = await draw({});
    // Nothing else changes: the query that knows everything, and the one that knows nothing.
    expect(rows.slice(1)).toEqual(unfiltered.slice(1));
  });

  it("begin with the rules' wrong answers, filtered or not", async () => {
    for (const filter of [false, true]) {
      const rows = await draw({ filter });
      expect(rows[2]![1]).not.toBe(5);
      // Heads 0 and 1 are known answers of their queries, head 5 is none of its.
      expect(await draw({ filter, rules: [ownHead(known)] })).toEqual([rows[0], rows[1], [6, 5, ...rows[2]!.slice(2)]]);
    }
  });

  it("take negatives of reciprocal relations too", async () => {
    // Relations 0 and 2 both hold of the pair (5, 6); relation 1 has no pair in common with either.
    const facts = tripleList(Int32Array.of(0, 0, 0, 5, 5), Int32Array.of(0, 1, 2, 0, 2), Int32Array.of(1, 2, 3, 6, 6));
    const index = indexAnswers(entities, 3, facts);
    const options = { seed: 3, batchSize: 4, negatives: { count: 4, filter: false, bothEnds: 0 } };
    const source = new UniformNegatives(await sharedKernels(), entities, options, [neighbours(index)], () => index);
    const queries: Batch = {
      epoch: 0,
      step: 0,
      heads: Int32Array.of(6, 2),
      relations: Int32Array.of(1, 0),
      tails: Int32Array.of(9, 9),
    };
    const candidates = new Int32Array(10);
    source.fill({ queries, K: 5, stride: 5, candidates });
    expect([candidates[1], candidates[6]]).toEqual([5, 0]);
  });
});
