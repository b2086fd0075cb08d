import { indexAnswers, tripleList } from "@mulde/datasets";
import { describe, expect, it } from "vitest";
import { ownHead } from "../../src/index.js";

// Entity 1 is related to itself.
const rule = ownHead(indexAnswers(4, 1, tripleList(Int32Array.of(0, 1), Int32Array.of(0, 0), Int32Array.of(2, 1))));

describe("a query's own head", () => {
  it("is a wrong answer unless the self-loop is known", () => {
    expect([rule.isWrong(0, 0, 0), rule.isWrong(0, 1, 0), rule.isWrong(3, 0, 3)]).toEqual([true, true, true]);
    expect([rule.isWrong(1, 0, 1), rule.isWrong(1, 1, 1)]).toEqual([false, false]);
    expect([rule.isWrong(0, 0, 1), rule.isWrong(0, 0, 2)]).toEqual([false, false]);
  });

  it("is a negative then", () => {
    const negative = (head: number): number | undefined => rule.negative!(head, 0, () => 0.5);
    expect([0, 1, 2, 3].map(negative)).toEqual([0, undefined, 2, 3]);
  });
});
