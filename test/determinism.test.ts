import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { differing, distance, within } from "../research/reliability/_compare.js";
import { root } from "./_workspace.js";

it(
  "a seed gives the same bytes with 1, 2 and 32 threads on every engine, and engines agree within bounds",
  { timeout: 10 * 60_000 },
  async () => {
    const script = join(root, "research/reliability/determinism.js");
    const { stdout } = await promisify(execFile)(process.execPath, [script, "--mini"], { encoding: "utf8" });
    const { cases, held } = JSON.parse(stdout) as { cases: number; held: number };
    // On WebAssembly alone: once more, 2 threads, 32 threads.
    expect(cases).toBeGreaterThanOrEqual(3);
    expect(held).toBe(cases);
  },
);

it("a single bit counts as a difference, and engines that are far apart as wrong", () => {
  const one = { teacher: { sha256: ["a"], mrr: 0.5, scores: [3, 4] } };
  expect(differing(one, structuredClone(one))).toEqual([]);
  expect(differing(one, { teacher: { ...one.teacher, sha256: ["b"] } })).toEqual(["teacher"]);
  expect(differing(one, { teacher: { ...one.teacher, scores: [3, 4 + 2 ** -50] } })).toEqual(["teacher"]);
  expect(differing(one, {})).toEqual(["teacher"]);
  const other = { teacher: { ...one.teacher, mrr: 0.496, scores: [3, 4.05] } };
  expect(distance(one, other)).toEqual({
    scores: expect.closeTo(0.01, 6) as number,
    mrr: expect.closeTo(0.004, 6) as number,
  });
  expect(within({ scores: 0.009, mrr: 0.004 })).toBe(true);
  expect(within({ scores: 0.011, mrr: 0.004 })).toBe(false);
  expect(within({ scores: 0.009, mrr: 0.006 })).toBe(false);
  expect(within({ scores: NaN, mrr: 0 })).toBe(false);
});
