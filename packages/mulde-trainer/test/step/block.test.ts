import { expect, it } from "vitest";
import type { CandidateBlock } from "../../src/index.js";
import { contiguous } from "../../src/step/block.js";

const queries = {
  epoch: 0,
  step: 0,
  heads: Int32Array.of(1, 2),
  relations: new Int32Array(2),
  tails: new Int32Array(2),
};
const block = (stride: number): CandidateBlock => ({
  queries,
  K: 2,
  stride,
  candidates: Int32Array.of(10, 11, 12, 13, 14, 15),
});

it("a block's rows are copied together where other blocks stand between them", () => {
  const out = new Int32Array(9);
  expect([...contiguous(block(4), out)]).toEqual([10, 11, 14, 15]);
  expect([...out]).toEqual([10, 11, 14, 15, 0, 0, 0, 0, 0]);
});

it("a block without gaps is its own array", () => {
  const whole = block(2);
  const rows = contiguous(whole, new Int32Array(9));
  expect([...rows]).toEqual([10, 11, 12, 13]);
  expect(rows.buffer).toBe(whole.candidates.buffer);
});
