import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  collectScores,
  functionTeacher,
  recordScores,
  type ScoredTriples,
  scoreTable,
  type Teacher,
} from "../src/index.js";

/** Query (7, 0) with tails 1 and 5, query (2, 3) with tail 4; unordered, and (7, 0, 5) twice. */
const triples: ScoredTriples = {
  heads: Int32Array.of(7, 2, 7, 7),
  relations: Int32Array.of(0, 3, 0, 0),
  tails: Int32Array.of(5, 4, 1, 5),
  scores: Float32Array.of(9, -2, 0.5, 3),
};

async function scores(teacher: Teacher, h: readonly number[], r: readonly number[], c: readonly number[]) {
  const out = new Float32Array(c.length);
  await collectScores([teacher], Int32Array.from(h), Int32Array.from(r), Int32Array.from(c), out);
  return [...out];
}

it("records no score that is not finite, whoever gives it", async () => {
  for (const writesAll of [false, true]) {
    const broken: Teacher = {
      name: "broken",
      writesAll,
      score: (_heads, _relations, tails, out) => tails.forEach((tail, at) => (out[at] = tail === 2 ? NaN : tail)),
    };
    const asked = { heads: Int32Array.of(0, 1), relations: Int32Array.of(0, 0), entities: 4, top: 2 };
    await expect(recordScores(broken, asked)).rejects.toMatchObject({
      code: "SENIOR_TEACHER_NOT_FINITE",
      value: { teacher: "broken", head: 0, relation: 0, candidate: 2, score: NaN },
    });
  }
});

describe("a score table as a teacher", () => {
  it("looks scores up, and puts what it lacks below the lowest of its query", async () => {
    const table = scoreTable("table", triples);
    expect(await scores(table, [7, 2], [0, 3], [1, 5, 4, 4, 5, 1])).toEqual([0.5, 3, -0.5, -2, -3, -3]);
    expect(await scores(scoreTable("t", triples, { margin: 10 }), [7], [0], [0, 1])).toEqual([-9.5, 0.5]);
  });

  it("names the query that it lacks, or scores its candidates alike", async () => {
    await expect(scores(scoreTable("mine", triples), [7], [1], [1])).rejects.toThrow(
      /Teacher "mine" failed.*no scores for head 7, relation 1; record them/,
    );
    expect(await scores(scoreTable("mine", triples, { missing: "zero" }), [7], [1], [1, 5])).toEqual([0, 0]);
  });

  it("refuses columns that do not fit, scores that are not finite, and a margin below 0", () => {
    const bad = (code: string, text: string, value?: number) =>
      expect.objectContaining({ code, value, message: expect.stringContaining(text) as string }) as Error;
    for (const field of ["relations", "tails"] as const) {
      expect(() => scoreTable("t", { ...triples, [field]: new Int32Array(3) })).toThrow(
        bad("SENIOR_SHAPE", `${field} must hold as many as heads = 4 values`),
      );
    }
    expect(() => scoreTable("t", { ...triples, scores: new Float32Array(5) })).toThrow(
      bad("SENIOR_SHAPE", "scores must hold as many as heads = 4 values"),
    );
    expect(() => scoreTable("t", { ...triples, scores: Float32Array.of(1, -Infinity, 0, NaN) })).toThrow(
      bad("SENIOR_TABLE", "Row 1 of the score table has the score -Infinity", -Infinity),
    );
    for (const margin of [-1, NaN, Infinity]) {
      expect(() => scoreTable("t", triples, { margin })).toThrow(bad("SENIOR_TABLE", "margin must be", margin));
    }
    expect(() => scoreTable("t", triples, { margin: 0 })).not.toThrow();
  });

  it("finds every query among many, as a search through the rows does", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3), fc.integer({ min: -9, max: 9 })), { maxLength: 40 }),
        async (rows) => {
          const column = (at: 0 | 1 | 2 | 3) => rows.map((row) => row[at]);
          const table = scoreTable(
            "table",
            {
              heads: Int32Array.from(column(0)),
              relations: Int32Array.from(column(1)),
              tails: Int32Array.from(column(2)),
              scores: Float32Array.from(column(3)),
            },
            { missing: "zero" },
          );
          for (let head = 0; head < 4; head++) {
            for (let relation = 0; relation < 4; relation++) {
              // The last row of a triple counts.
              const known = new Map(
                rows.filter((row) => row[0] === head && row[1] === relation).map((row) => [row[2], row[3]]),
              );
              const floor = known.size === 0 ? 0 : Math.min(...known.values()) - 1;
              const expected = [0, 1, 2, 3].map((tail) => known.get(tail) ?? floor);
              expect(await scores(table, [head], [relation], [0, 1, 2, 3])).toEqual(expected);
            }
          }
        },
      ),
    );
  });

  it("says by code and value which query it lacks", () => {
    const ask = () =>
      scoreTable("mine", triples).score(Int32Array.of(7), Int32Array.of(1), Int32Array.of(1), new Float32Array(1));
    expect(ask).toThrow(expect.objectContaining({ code: "SENIOR_TABLE_QUERY", value: [7, 1] }));
  });
});

describe("recordScores", () => {
  it("keeps the best answers over all entities, and the table repeats them", async () => {
    const entities = 30;
    const value = (h: number, r: number, t: number): number => Math.fround(Math.sin(1 + 3 * h + 5 * r + 7 * t));
    const teacher = functionTeacher("sine", (h, r, candidates) => {
      const K = candidates.length / h.length;
      return Array.from(candidates, (t, i) => value(h[Math.floor(i / K)]!, r[Math.floor(i / K)]!, t));
    });
    const heads = Int32Array.of(1, 2, 1, 4);
    const relations = Int32Array.of(0, 1, 0, 0);
    const recorded = await recordScores(teacher, { heads, relations, entities, top: 4 });
    expect([...recorded.heads]).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4]);
    for (const [h, r] of [
      [1, 0],
      [2, 1],
      [4, 0],
    ] as const) {
      const all = Array.from({ length: entities }, (_, t) => t).sort((x, y) => value(h, r, y) - value(h, r, x));
      const own = [...recorded.tails].filter((_, i) => recorded.heads[i] === h);
      expect(own).toEqual(all.slice(0, 4));
      expect(await scores(scoreTable("table", recorded), [h], [r], own)).toEqual(own.map((t) => value(h, r, t)));
    }
  });
});

describe("recordScores over many entities or queries", () => {
  /** Scores every candidate by its id, best first; `calls` holds the queries of every call. */
  function counting(): Teacher & { readonly calls: number[] } {
    const calls: number[] = [];
    const score: Teacher["score"] = (heads, _relations, candidates, out) => {
      calls.push(heads.length);
      candidates.forEach((tail, at) => (out[at] = 1 - tail));
    };
    return { name: "counting", calls, score };
  }

  it("asks for at most 2^22 scores at once", async () => {
    const teacher = counting();
    const heads = Int32Array.of(0, 1, 2, 3, 4);
    const recorded = await recordScores(teacher, { heads, relations: new Int32Array(5), entities: 2 ** 20, top: 1 });
    expect(teacher.calls).toEqual([4, 1]);
    expect([...recorded.heads]).toEqual([0, 1, 2, 3, 4]);
    expect([...recorded.tails]).toEqual([0, 0, 0, 0, 0]);
    expect([...recorded.scores]).toEqual([1, 1, 1, 1, 1]);
  });

  it("keeps all entities where there are fewer than it may keep, and asks about each pair of ids once", async () => {
    const teacher = counting();
    const options = { heads: Int32Array.of(1, 11, 1, 1), relations: Int32Array.of(11, 1, 1, 11), entities: 3, top: 9 };
    const recorded = await recordScores(teacher, options);
    expect(teacher.calls).toEqual([3]);
    expect([...recorded.heads]).toEqual([1, 1, 1, 11, 11, 11, 1, 1, 1]);
    expect([...recorded.relations]).toEqual([11, 11, 11, 1, 1, 1, 1, 1, 1]);
    expect([...recorded.tails]).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2]);
  });
});

describe("recordScores, given bad input", () => {
  const teacher: Teacher = { ...functionTeacher("sized", (_h, _r, c) => new Float32Array(c.length)), entities: 5 };
  const options = { heads: Int32Array.of(1), relations: Int32Array.of(0), entities: 5, top: 2 };

  it("refuses a teacher of another number of entities, counts below 1, and columns of different lengths", async () => {
    await expect(recordScores(teacher, { ...options, entities: 6 })).rejects.toMatchObject({
      code: "SENIOR_TEACHER",
      message: expect.stringContaining('"sized" scores 5 entities, but the data has 6') as string,
    });
    for (const [wrong, text] of [
      [{ top: 0 }, "top must be a whole number of at least 1"],
      [{ entities: 0 }, "entities must be a whole number of at least 1"],
      [{ relations: new Int32Array(2) }, "relations must hold B = 1 values"],
    ] as const) {
      await expect(recordScores(teacher, { ...options, ...wrong })).rejects.toMatchObject({
        code: "SENIOR_SHAPE",
        message: expect.stringContaining(text) as string,
      });
    }
  });

  it("does not know how many relations there are, and asks nobody where there are no queries", async () => {
    const calls: number[] = [];
    const sized: Teacher = {
      ...teacher,
      relations: 7,
      score: (heads, _r, _c, out) => (calls.push(heads.length), out.fill(0), undefined),
    };
    expect((await recordScores(sized, options)).heads).toHaveLength(2);
    const none = { heads: new Int32Array(), relations: new Int32Array() };
    expect((await recordScores(sized, { ...options, ...none })).tails).toHaveLength(0);
    expect(calls).toEqual([1]);
  });

  it("stops with the reason of its signal", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(recordScores(teacher, { ...options, signal })).rejects.toThrow("enough");
  });
});

describe("functionTeacher", () => {
  it.each([
    ["plain", (_h: Int32Array, _r: Int32Array, c: Int32Array) => Array.from(c, (t) => 2 * t)],
    ["asynchronous", async (_h: Int32Array, _r: Int32Array, c: Int32Array) => Promise.resolve(c.map((t) => 2 * t))],
  ])("takes a %s function", async (name, scoring) => {
    expect(await scores(functionTeacher(name, scoring), [1, 2], [0, 0], [3, 4, 5, 6])).toEqual([6, 8, 10, 12]);
  });

  it("says by its code that the number of scores is wrong", async () => {
    const one = Int32Array.of(1);
    const asked = functionTeacher("long", () => [1, 2]).score(one, one, one, new Float32Array(1));
    await expect(asked).rejects.toMatchObject({ code: "SENIOR_TEACHER_LENGTH" });
  });

  it("names a teacher that returns too few scores, or a NaN", async () => {
    const short = functionTeacher("short", () => [1]);
    await expect(scores(short, [1], [0], [3, 4])).rejects.toThrow(
      /Teacher "short" failed.* returned 1 scores for 1 queries with 2 candidates/,
    );
    await expect(
      scores(
        functionTeacher("odd", () => [1, NaN]),
        [1],
        [0],
        [3, 4],
      ),
    ).rejects.toThrow(/Teacher "odd" gave NaN/);
  });
});
