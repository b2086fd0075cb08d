import { indexAnswers, tripleList } from "@mulde/datasets";
import { describe, expect, it } from "vitest";
import { functional } from "../../src/index.js";

// Relation 0, a child's parent: 1 and 2 have 0, and 3 has 4. Its reciprocal has 1.5 answers per query.
const index = indexAnswers(6, 1, tripleList(Int32Array.of(1, 2, 3), new Int32Array(3), Int32Array.of(0, 0, 4)));
const wrong = (most: number, head: number, relation: number): number[] => {
  const rule = functional(index, most);
  return [0, 1, 2, 3, 4, 5].filter((entity) => rule.isWrong(head, relation, entity));
};

describe("an entity that has its answer in a functional relation", () => {
  it("is a wrong answer for every other head", () => {
    // Children of 0: not 3, which has another parent.
    expect(wrong(1, 0, 1)).toEqual([3]);
    expect(wrong(1, 4, 1)).toEqual([1, 2]);
    // An entity without parents can take anyone's children.
    expect(wrong(1, 5, 1)).toEqual([1, 2, 3]);
  });

  it("counts only up to so many answers per query", () => {
    // Parents of 3: 0 has children, but a parent may have several.
    expect(wrong(1, 3, 0)).toEqual([]);
    expect(wrong(1.49, 3, 0)).toEqual([]);
    expect(wrong(1.5, 3, 0)).toEqual([0]);
    expect(wrong(0.9, 0, 1)).toEqual([]);
  });

  it("is no negative, and the rule's name tells its threshold", () => {
    expect(functional(index, 1.05)).not.toHaveProperty("negative");
    expect(functional(index, 1.05).name).not.toBe(functional(index, 1.1).name);
  });
});
