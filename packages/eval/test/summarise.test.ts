import { describe, expect, it } from "vitest";
import { summarise } from "../src/index.js";

describe("summarise", () => {
  it("gives hand-computed metrics", () => {
    const metrics = summarise([1, 2, 4, 11], [11, 11, 5, 21]);
    expect(metrics.mrr).toBeCloseTo((1 + 1 / 2 + 1 / 4 + 1 / 11) / 4, 15);
    expect(metrics.mr).toBe(4.5);
    // Expected ranks 6, 6, 3, 11: mean 6.5.
    expect(metrics.amri).toBeCloseTo(1 - 3.5 / 5.5, 15);
    expect(metrics.hits).toEqual({ "1": 1 / 4, "3": 2 / 4, "10": 3 / 4 });
    expect(metrics.ranks).toBe(4);
  });

  it("does not count a half rank beyond K as a hit", () => {
    expect(summarise([1.5, 1], 4, [1, 2]).hits).toEqual({ "1": 0.5, "2": 1 });
  });

  it("puts the adjusted index at 1 for perfect ranks, 0 for chance, -1 for last place among any number", () => {
    expect(summarise([1, 1], [5, 100]).amri).toBe(1);
    expect(summarise([3, 50.5], [5, 100]).amri).toBe(0);
    expect(summarise([5, 100], [5, 100]).amri).toBe(-1);
  });

  it("calls the only candidate no better than chance", () => {
    expect(summarise([1, 1], 1)).toMatchObject({ amri: 0, mr: 1, mrr: 1 });
  });

  it("keeps float64 over many ranks", () => {
    const ranks = new Float64Array(1_000_000).fill(3);
    expect(summarise(ranks, 10).mrr).toBeCloseTo(1 / 3, 9);
  });

  it("has no metrics of no ranks", () => {
    expect(summarise([], [])).toEqual({
      mrr: NaN,
      mr: NaN,
      amri: NaN,
      hits: { "1": NaN, "3": NaN, "10": NaN },
      ranks: 0,
    });
  });

  it("refuses impossible ranks, lists of different lengths and a K of 0", () => {
    const bad = (code: string) => expect.objectContaining({ name: "MuldeError", code }) as Error;
    expect(() => summarise([0.5], 3)).toThrow(bad("EVAL_BAD_RANKS"));
    expect(() => summarise([1, 4], 3)).toThrow("ranks.1: 4 is not a rank among 3 candidates");
    expect(() => summarise([Number.NaN], 3)).toThrow(bad("EVAL_BAD_RANKS"));
    expect(() => summarise([1, 2], [3])).toThrow("There are 2 ranks, but 1 numbers of candidates");
    expect(() => summarise([1, 2], [3])).toThrow(bad("EVAL_BAD_RANKS"));
    expect(() => summarise([1], 3, [1, 0])).toThrow(bad("EVAL_BAD_OPTION"));
    expect(() => summarise([1], 3, [1, 0])).toThrow("hitsAt.1: must be a positive integer, but is 0.");
  });
});
