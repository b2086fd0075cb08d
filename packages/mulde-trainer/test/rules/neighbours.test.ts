import { indexAnswers, tripleList } from "@mulde/datasets";
import { describe, expect, it, vi } from "vitest";
import { neighbours } from "../../src/index.js";

const entities = 10;
// Relations 0 and 2 both hold of the pair (5, 6); relation 1 has no pair in common with either.
const facts = tripleList(Int32Array.of(0, 0, 0, 5, 5), Int32Array.of(0, 1, 2, 0, 2), Int32Array.of(1, 2, 3, 6, 6));
const rule = neighbours(indexAnswers(entities, 3, facts));
const wrong = (head: number, relation: number): number[] =>
  Array.from({ length: entities }, (_, entity) => entity).filter((entity) => rule.isWrong(head, relation, entity));

describe("a head's neighbours", () => {
  it("are wrong answers if they are related to it by an exclusive relation", () => {
    expect(wrong(0, 0)).toEqual([2]);
    expect(wrong(0, 1)).toEqual([1, 3]);
    expect(wrong(0, 2)).toEqual([2]);
    expect(wrong(5, 0)).toEqual([]);
    expect(wrong(5, 1)).toEqual([6]);
    // Reciprocal relations are relations like others.
    expect(wrong(6, 1)).toEqual([5]);
    expect(wrong(2, 0)).toEqual([0]);
    expect(wrong(3, 0)).toEqual([0]);
    expect(wrong(9, 0)).toEqual([]);
  });

  it("are told apart whatever was asked before", () => {
    const asked = [
      [0, 0],
      [0, 1],
      [5, 1],
      [0, 1],
    ] as const;
    expect(asked.map(([head, relation]) => rule.isWrong(head, relation, 6))).toEqual([false, false, true, false]);
  });

  it("are looked up once for the candidates of a query, not once for each", () => {
    const index = indexAnswers(entities, 3, facts);
    const own = neighbours(index);
    const lookUps = vi.spyOn(index, "relations");
    for (let entity = 0; entity < entities; entity++) own.isWrong(0, 1, entity);
    expect(lookUps).toHaveBeenCalledTimes(1);
  });

  it("are negatives, one at a time", () => {
    const negative = (relation: number, u: number): number | undefined => rule.negative!(0, relation, () => u);
    expect([negative(1, 0), negative(1, 0.49), negative(1, 0.5), negative(1, 0.999)]).toEqual([1, 1, 3, 3]);
    expect(negative(0, 0.7)).toBe(2);
    let drawn = 0;
    const counting = (): number => ++drawn / 10;
    expect(rule.negative!(5, 0, counting)).toBeUndefined();
    // No draw is spent where there is nothing to draw from.
    expect(drawn).toBe(0);
  });
});
