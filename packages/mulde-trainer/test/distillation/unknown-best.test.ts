import { indexAnswers, tripleList } from "@mulde/datasets";
import { describe, expect, it } from "vitest";
import { keepUnknown, widthForUnknown } from "../../src/distillation/unknown-best.js";

// Of 6 entities 1, 3 and 5 answer (0, 0, ?), and 2 answers (4, 1, ?).
const index = indexAnswers(
  6,
  2,
  tripleList(Int32Array.of(0, 0, 0, 4), Int32Array.of(0, 0, 0, 1), Int32Array.of(5, 1, 3, 2)),
);
const queries = { heads: Int32Array.of(0, 4, 2), relations: Int32Array.of(0, 1, 0) };
const best = [
  [1, 0, 5, 2, 3],
  [0, 2, 1, 3, 4],
  [5, 4, 3, 2, 1],
];

function keep(K: number, stride = K): number[][] {
  const chosen = new Int32Array(3 * stride).fill(-7);
  keepUnknown(queries, index, Int32Array.from(best.flat()), K, chosen, stride);
  return [0, 1, 2].map((b) => [...chosen.subarray(b * stride, (b + 1) * stride)]);
}

describe("candidates that are no known answers", () => {
  it("are the best of the others, in their order", () => {
    expect(keep(2)).toEqual([
      [0, 2],
      [0, 1],
      [5, 4],
    ]);
  });

  it("are followed by the best known ones where they do not suffice", () => {
    expect(keep(4)).toEqual([
      [0, 2, 1, 5],
      [0, 1, 3, 4],
      [5, 4, 3, 2],
    ]);
  });

  it("fill a part of each row where rows are wider", () => {
    expect(keep(2, 3)).toEqual(keep(2).map((row) => [...row, -7]));
  });

  it("need as many more looked up as a query of the batch has answers", () => {
    expect(widthForUnknown(queries, index, 2)).toBe(5);
    expect(widthForUnknown({ heads: Int32Array.of(4), relations: Int32Array.of(1) }, index, 2)).toBe(3);
    expect(widthForUnknown({ heads: Int32Array.of(2), relations: Int32Array.of(0) }, index, 2)).toBe(2);
  });
});
