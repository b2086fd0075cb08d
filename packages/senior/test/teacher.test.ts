import { describe, expect, it } from "vitest";
import { collectScores, type Teacher } from "../src/index.js";

const heads = Int32Array.of(10, 11);
const relations = Int32Array.of(0, 3);
const candidates = Int32Array.of(1, 2, 3, 4, 5, 6);

/** A teacher whose score of (h, r, t) is factor * t. */
function multiple(name: string, factor: number, wait = false): Teacher {
  const write = (tails: Int32Array, out: Float32Array): void => tails.forEach((tail, at) => (out[at] = factor * tail));
  return {
    name,
    score(_heads, _relations, tails, out) {
      if (!wait) {
        write(tails, out);
        return undefined;
      }
      return Promise.resolve().then(() => write(tails, out));
    },
  };
}

function failing(name: string, score: Teacher["score"]): Teacher {
  return { name, score };
}

describe("collectScores", () => {
  it("writes every teacher's scores in order, those of promises too", async () => {
    const out = new Float32Array(18);
    await collectScores(
      [multiple("a", 1), multiple("b", -2, true), multiple("c", 0.5)],
      heads,
      relations,
      candidates,
      out,
    );
    expect(Array.from(out)).toEqual([1, 2, 3, 4, 5, 6, -2, -4, -6, -8, -10, -12, 0.5, 1, 1.5, 2, 2.5, 3]);
  });

  it("hands the query through", async () => {
    const seen: unknown[] = [];
    const teacher = failing("a", (h, r, c, out) => {
      seen.push(h, r, c);
      out.fill(0);
    });
    await collectScores([teacher], heads, relations, candidates, new Float32Array(6));
    expect(seen).toEqual([heads, relations, candidates]);
  });

  it.each([NaN, Infinity, -Infinity])("names the teacher and the triple of a %d", async (value) => {
    const bad = failing("DistH", (_h, _r, tails, out) => {
      tails.forEach((tail, at) => (out[at] = tail === 5 ? value : 0));
    });
    await expect(
      collectScores([multiple("TransH", 1), bad], heads, relations, candidates, new Float32Array(12)),
    ).rejects.toMatchObject({
      name: "MuldeError",
      code: "SENIOR_TEACHER_NOT_FINITE",
      message: expect.stringContaining(
        `Teacher "DistH" gave ${String(value)} for head 11, relation 3, tail 5`,
      ) as string,
    });
  });

  it("notices scores that were never written, whatever the buffer held before", async () => {
    const lazy = failing("lazy", (_h, _r, _c, out) => {
      out[0] = 1;
    });
    await expect(collectScores([lazy], heads, relations, candidates, new Float32Array(6))).rejects.toMatchObject({
      code: "SENIOR_TEACHER_NOT_FINITE",
      message: expect.stringContaining("tail 2") as string,
    });
  });

  it("leaves the scores of a teacher that vouches for them unread, for the Senior's loss to show", async () => {
    const vouching: Teacher = { ...failing("kernel", (_h, _r, _c, out) => void out.fill(NaN)), writesAll: true };
    const out = new Float32Array(6);
    await collectScores([vouching], heads, relations, candidates, out);
    expect(out.every(Number.isNaN)).toBe(true);
  });

  it("wraps what a teacher throws, now or later, with its name and cause", async () => {
    const cause = new Error("out of memory");
    const teachers = [
      failing("RotH", () => {
        throw cause;
      }),
      failing("RotH", () => Promise.reject(cause)),
    ];
    for (const teacher of teachers) {
      await expect(
        collectScores([multiple("a", 1), teacher], heads, relations, candidates, new Float32Array(12)),
      ).rejects.toMatchObject({
        code: "SENIOR_TEACHER_FAILED",
        message: 'Teacher "RotH" failed to score a batch: out of memory',
        cause,
      });
    }
  });

  it("waits for the slow teachers before it throws, so that nobody writes afterwards", async () => {
    let finished = false;
    const slow = failing("slow", async (_h, _r, _c, out) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      out.fill(0);
      finished = true;
    });
    const broken = failing("broken", () => Promise.reject(new Error("no")));
    await expect(
      collectScores([broken, slow], heads, relations, candidates, new Float32Array(12)),
    ).rejects.toMatchObject({ code: "SENIOR_TEACHER_FAILED" });
    expect(finished).toBe(true);
  });

  it("refuses lengths that do not fit", async () => {
    const a = multiple("a", 1);
    const out = new Float32Array(6);
    const cases: readonly Promise<void>[] = [
      collectScores([], heads, relations, candidates, new Float32Array(0)),
      collectScores([a], new Int32Array(0), new Int32Array(0), candidates, out),
      collectScores([a], heads, Int32Array.of(0), candidates, out),
      collectScores([a], heads, relations, new Int32Array(5), new Float32Array(5)),
      collectScores([a], heads, relations, new Int32Array(0), new Float32Array(0)),
      collectScores([a, a], heads, relations, candidates, out),
    ];
    for (const call of cases) await expect(call).rejects.toMatchObject({ code: "SENIOR_SHAPE" });
  });
});
