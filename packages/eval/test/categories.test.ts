import { describe, expect, it } from "vitest";
import { relationCategories } from "../src/index.js";
import { list } from "./_graphs.js";

describe("relationCategories", () => {
  it("gives hand-computed categories", () => {
    const train = list(
      // 0: two heads with one tail each.
      [0, 0, 1],
      [2, 0, 3],
      // 1: one head with three tails.
      [0, 1, 1],
      [0, 1, 2],
      [0, 1, 3],
      // 2: three heads with one tail.
      [1, 2, 0],
      [2, 2, 0],
      [3, 2, 0],
      // 3: two heads with two tails each.
      [0, 3, 2],
      [0, 3, 3],
      [1, 3, 2],
      [1, 3, 3],
    );
    expect(relationCategories(train, 4, 5)).toEqual(["1-1", "1-N", "N-1", "N-N", undefined]);
  });

  it("counts an average of exactly 1.5 as many and 4/3 as one", () => {
    const exactly = list([0, 0, 2], [0, 0, 3], [1, 0, 4]);
    expect(relationCategories(exactly, 5, 1)).toEqual(["1-N"]);
    expect(relationCategories(list([2, 0, 0], [3, 0, 0], [4, 0, 1]), 5, 1)).toEqual(["N-1"]);
    const below = list([0, 0, 2], [0, 0, 3], [1, 0, 4], [5, 0, 6]);
    expect(relationCategories(below, 7, 1)).toEqual(["1-1"]);
  });

  it("counts a repeated triple once", () => {
    expect(relationCategories(list([0, 0, 1], [0, 0, 1], [0, 0, 1]), 2, 1)).toEqual(["1-1"]);
  });

  it("refuses ids out of range and bad counts", () => {
    expect(() => relationCategories(list(), 0, 1)).toThrow("numEntities: must be a positive integer, but is 0.");
    expect(() => relationCategories(list(), 4, -1)).toThrow("numRelations: must be a positive integer, but is -1.");
    expect(() => relationCategories(list([0, 0, 9]), 4, 1)).toThrow("trainTriples.tails.0: 9 is outside 0..3");
  });
});
