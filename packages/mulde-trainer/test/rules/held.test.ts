import { indexAnswers, tripleList } from "@mulde/datasets";
import type { Teacher } from "@mulde/senior";
import { describe, expect, it } from "vitest";
import { type AnswerRule, functional, held, neighbours, ownHead } from "../../src/index.js";
import { lowerWrong } from "../../src/rules/held.js";

// As in neighbours.test.ts.
const facts = tripleList(Int32Array.of(0, 0, 0, 5, 5), Int32Array.of(0, 1, 2, 0, 2), Int32Array.of(1, 2, 3, 6, 6));
const index = indexAnswers(10, 3, facts);
const queries = { heads: Int32Array.of(0, 0, 5), relations: Int32Array.of(0, 1, 0) };

describe("the scores of wrong answers", () => {
  it("become each teacher's lowest of the row, by one rule", () => {
    // A head may be among the candidates twice.
    const candidates = Int32Array.of(2, 0, 9, 3, 1, 4, 5, 5, 8);
    const scores = Float32Array.of(7, -1, -3, -2, 8, -4, -5, 9, -6, 10, 20, 30, 11, 21, 31, 13, 22, 12);
    lowerWrong([ownHead(index)], queries, candidates, scores);
    expect([...scores]).toEqual([7, -3, -3, -2, 8, -4, -6, -6, -6, 10, 10, 30, 11, 21, 31, 12, 12, 12]);
  });

  it("become so by any of several rules", () => {
    const candidates = Int32Array.of(2, 0, 9, 3, 1, 4, 5, 6, 8);
    const scores = Float32Array.of(7, -1, -3, 8, 9, 6, -5, 9, -6, 30, 20, 10, 21, 31, 11, 13, 22, 12);
    lowerWrong([ownHead(index), neighbours(index)], queries, candidates, scores);
    expect([...scores]).toEqual([-3, -3, -3, 6, 6, 6, -6, 9, -6, 10, 10, 10, 11, 11, 11, 12, 22, 12]);
  });

  it("are told by asking each rule once for each candidate of a query", () => {
    const asked: string[] = [];
    const asking: AnswerRule = {
      name: "asking",
      isWrong: (head, relation, entity) => (asked.push(`${head} ${relation} ${entity}`), false),
    };
    lowerWrong([asking], queries, Int32Array.of(2, 0, 9, 3, 1, 4), new Float32Array(6));
    expect(asked).toEqual(["0 0 2", "0 0 0", "0 1 9", "0 1 3", "5 0 1", "5 0 4"]);
  });

  it("stay where nothing is wrong, or no rule is there", () => {
    const scores = Float32Array.of(1, 2, 3);
    const one = { heads: Int32Array.of(0), relations: Int32Array.of(0) };
    lowerWrong([neighbours(index)], one, Int32Array.of(1, 4, 5), scores);
    lowerWrong([], one, Int32Array.of(2, 2, 2), scores);
    expect([...scores]).toEqual([1, 2, 3]);
  });
});

describe("a held teacher", () => {
  const plain: Teacher = {
    name: "plain",
    entities: 10,
    relations: 3,
    async score(_, __, candidates, out, options) {
      await Promise.resolve();
      options?.signal?.throwIfAborted();
      candidates.forEach((entity, i) => (out[i] = 10 + entity));
    },
  };
  // 1 and 2 have the parent 0 and 3 has 4, by a fourth relation.
  const parents = tripleList(Int32Array.of(1, 2, 3), new Int32Array(3), Int32Array.of(0, 0, 4));
  const rules = [ownHead(index), functional(indexAnswers(10, 1, parents), 1)];

  it("scores wrong answers lowest, and others as before", async () => {
    const teacher = held(plain, rules);
    const out = new Float32Array(8);
    // The children of 0: not 0 itself, nor 3, which has another parent.
    await teacher.score(Int32Array.of(0, 5), Int32Array.of(1, 0), Int32Array.of(3, 1, 0, 7, 5, 8, 9, 1), out);
    expect([...out]).toEqual([10, 11, 10, 17, 11, 18, 19, 11]);
  });

  it("keeps the teacher's name and sizes, and hears its signal", async () => {
    const teacher = held(plain, rules);
    expect(teacher).toMatchObject({ name: "plain", entities: 10, relations: 3 });
    const aborted = { signal: AbortSignal.abort(new Error("no more")) };
    const asked = teacher.score(Int32Array.of(0), Int32Array.of(0), Int32Array.of(1), new Float32Array(1), aborted);
    await expect(asked).rejects.toThrow("no more");
  });

  it("may be an object of a class", async () => {
    class Counting implements Teacher {
      asked = 0;
      get name(): string {
        return `counting to ${this.asked}`;
      }
      score(_: Int32Array, __: Int32Array, ___: Int32Array, out: Float32Array): void {
        out.fill(++this.asked);
      }
    }
    const own = new Counting();
    const out = new Float32Array(1);
    const teacher = held(own, rules);
    await teacher.score(Int32Array.of(0), Int32Array.of(0), Int32Array.of(1), out);
    expect([own.asked, out[0], teacher.name]).toEqual([1, 1, "counting to 0"]);
  });
});
