import { indexAnswers, tripleList } from "@mulde/datasets";
import { describe, expect, it } from "vitest";
import { type AnswerRule, neighbours, ownHead } from "../../src/index.js";
import { addHardNegatives } from "../../src/rules/hard-negatives.js";
import { streamAt } from "../../src/run/streams.js";
import { failure } from "../_runs.js";

// As in neighbours.test.ts: of head 0, relation 1 is exclusive with 0 and 2.
const facts = tripleList(Int32Array.of(0, 0, 0, 5, 5), Int32Array.of(0, 1, 2, 0, 2), Int32Array.of(1, 2, 3, 6, 6));
const index = indexAnswers(10, 3, facts);
const queries = { heads: Int32Array.of(0, 0, 5), relations: Int32Array.of(0, 1, 0), tails: Int32Array.of(9, 9, 9) };

/** Rows of 9s in which hard negatives were put. */
function drawn(
  rules: readonly AnswerRule[],
  { step = 0, K = 3, seed = 3, ...rest }: { step?: number; K?: number; seed?: number; stride?: number } = {},
): number[][] {
  const { stride = K } = rest;
  const candidates = new Int32Array(3 * stride).fill(9);
  addHardNegatives(rules, { seed, entities: 10 }, { queries: { epoch: 0, step, ...queries }, K, stride, candidates });
  return [0, 1, 2].map((b) => [...candidates.subarray(b * stride, (b + 1) * stride)]);
}

describe("hard negatives", () => {
  it("stand in the place of a query's first negatives, where there are any", () => {
    const rows = Array.from({ length: 20 }, (_, step) => drawn([neighbours(index)], { step }));
    expect(new Set(rows.map((row) => row[0]![1]))).toEqual(new Set([2]));
    // One at a time, and each in its turn.
    expect(new Set(rows.map((row) => row[1]![1]))).toEqual(new Set([1, 3]));
    expect(rows.every((row) => row[2]![1] === 9 && row.every((ids) => ids[0] === 9 && ids[2] === 9))).toBe(true);
    expect(drawn([neighbours(index)], { step: 7 })).toEqual(rows[7]);
  });

  it("stand in the order of the rules, as far as there is room", () => {
    const rules = [ownHead(index), neighbours(index)];
    expect(drawn(rules)[0]).toEqual([9, 0, 2]);
    expect(drawn(rules)[2]).toEqual([9, 5, 9]);
    expect(drawn(rules.toReversed())[0]).toEqual([9, 2, 0]);
    expect(drawn(rules, { K: 2 }).map((row) => row[1])).toEqual([0, 0, 5]);
    expect(drawn(rules, { K: 1 })).toEqual([[9], [9], [9]]);
  });

  it("leave what is not of the block alone", () => {
    const rows = drawn([ownHead(index), neighbours(index)], { K: 2, stride: 4 });
    expect(rows.map((row) => row.slice(2))).toEqual(new Array(3).fill([9, 9]));
    expect(rows.map((row) => row[1])).toEqual([0, 0, 5]);
  });

  it("of neighbours are drawn from the stream of that name, as they always were", () => {
    // Relation 1's neighbours of head 0, one of which the first draw of a step picks: row 0 has one neighbour and takes a draw too.
    const near = [1, 3];
    for (let step = 0; step < 20; step++) {
      const random = streamAt(3, "neighbours", step);
      random.uniform();
      expect(drawn([neighbours(index)], { step })[1]![1]).toBe(near[Math.floor(random.uniform() * 2)]);
    }
  });

  it("are asked for once a query", () => {
    const asked: number[][] = [];
    const asking: AnswerRule = {
      name: "asking",
      isWrong: () => false,
      negative: (head, relation) => void asked.push([head, relation]),
    };
    drawn([asking]);
    expect(asked).toEqual([
      [0, 0],
      [0, 1],
      [5, 0],
    ]);
  });

  it("of rules of one's own are drawn from streams by the rules' names", () => {
    const own = (name: string): AnswerRule => ({
      name,
      isWrong: () => false,
      negative: (_, __, random) => Math.floor(random() * 10),
    });
    const [a, b] = [drawn([own("a")]), drawn([own("b")])];
    expect(a).not.toEqual(b);
    expect(drawn([own("a")])).toEqual(a);
    expect(drawn([own("a")], { step: 1 })).not.toEqual(a);
    expect(drawn([own("a")], { seed: 4 })).not.toEqual(a);
    // Each rule draws what it draws alone.
    expect(drawn([own("b"), own("a")]).map((row) => row[2])).toEqual(a.map((row) => row[1]));
  });

  it.each([10, -1, 0.5, NaN])("must be entities: %d is refused by the rule's name", (entity) => {
    const rule: AnswerRule = { name: "odd", isWrong: () => false, negative: () => entity };
    const { code, reason, value } = failure(() => drawn([rule]));
    expect([code, value]).toEqual(["TRAINER_PART", entity]);
    expect(reason).toBe(`The rule "odd" gave the negative ${entity} for (0, 0, ?); entities are 0 to 9.`);
  });

  it("are none for rules without negatives", () => {
    expect(drawn([{ name: "mute", isWrong: () => true }])).toEqual(new Array(3).fill([9, 9, 9]));
  });
});
