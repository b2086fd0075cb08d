import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asyncBufferFromFile, parquetMetadataAsync, parquetSchema } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  collectScores,
  functionTeacher,
  readScores,
  recordScores,
  type ScoredTriples,
  scoreTable,
  type Teacher,
  writeScores,
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

describe("a score table on disk", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "mulde-scores-"));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it("is read as it was written, and nothing else is left", async () => {
    const path = join(directory, "scores.parquet");
    await writeScores(path, triples);
    expect(await readScores(path)).toEqual(triples);
    expect(await readdir(directory)).toEqual(["scores.parquet"]);
    // Nor does the process keep a file open, where the system tells.
    const open = existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd") : [];
    const names = open.map((fd) => (existsSync(`/proc/self/fd/${fd}`) ? readlinkSync(`/proc/self/fd/${fd}`) : ""));
    expect(names.filter((name) => name.startsWith(directory))).toEqual([]);
    // No program is told another type than the arrays have.
    const { children } = parquetSchema(await parquetMetadataAsync(await asyncBufferFromFile(path)));
    expect(children.map(({ element }) => `${element.name} ${String(element.type)}`)).toEqual([
      "head INT32",
      "relation INT32",
      "tail INT32",
      "score FLOAT",
    ]);
  });

  it("may have its columns in any order, and ids of 64 bits", async () => {
    const path = join(directory, "scores.parquet");
    const bytes = parquetWriteBuffer({
      columnData: [
        { name: "score", data: [0.25, -1], type: "DOUBLE" },
        { name: "tail", data: [3n, 4n], type: "INT64" },
        { name: "relation", data: [0, 1], type: "INT32" },
        { name: "head", data: [8n, 9n], type: "INT64" },
      ],
    });
    await writeFile(path, new Uint8Array(bytes));
    expect(await readScores(path)).toEqual({
      heads: Int32Array.of(8, 9),
      relations: Int32Array.of(0, 1),
      tails: Int32Array.of(3, 4),
      scores: Float32Array.of(0.25, -1),
    });
  });

  it("may be empty", async () => {
    const path = join(directory, "scores.parquet");
    const [ids, scores] = [new Int32Array(), new Float32Array()];
    await writeScores(path, { heads: ids, relations: ids, tails: ids, scores });
    expect(await readScores(path)).toEqual({ heads: ids, relations: ids, tails: ids, scores });
  });

  it("is read whole where its rows come in several groups", async () => {
    const path = join(directory, "scores.parquet");
    const column = (name: string, data: number[], type: "INT32" | "FLOAT" = "INT32") => ({ name, data, type });
    const columnData = [
      column("head", [0, 1, 2, 3, 4]),
      column("relation", [5, 6, 7, 8, 9]),
      column("tail", [10, 11, 12, 13, 14]),
      column("score", [0.5, 1.5, 2.5, 3.5, 4.5], "FLOAT"),
    ];
    await writeFile(path, new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: 2 })));
    expect(await readScores(path)).toEqual({
      heads: Int32Array.of(0, 1, 2, 3, 4),
      relations: Int32Array.of(5, 6, 7, 8, 9),
      tails: Int32Array.of(10, 11, 12, 13, 14),
      scores: Float32Array.of(0.5, 1.5, 2.5, 3.5, 4.5),
    });
  });

  it("holds ids from 0 to 2^31 - 1, and the first that is not one is named", async () => {
    const path = join(directory, "scores.parquet");
    const read = async (heads: number[]): Promise<ScoredTriples> => {
      const columnData = [
        { name: "head", data: heads, type: "DOUBLE" as const },
        ...["relation", "tail"].map((name) => ({ name, data: heads.map(() => 0), type: "INT32" as const })),
        { name: "score", data: heads.map(() => 1), type: "FLOAT" as const },
      ];
      await writeFile(path, new Uint8Array(parquetWriteBuffer({ columnData })));
      return readScores(path);
    };
    expect((await read([0, 2 ** 31 - 1])).heads).toEqual(Int32Array.of(0, 2 ** 31 - 1));
    for (const wrong of [-1, 0.5, 2 ** 31, NaN]) {
      await expect(read([3, wrong, -7])).rejects.toMatchObject({
        value: wrong,
        reason: `the head of row 1 is ${String(wrong)}; ids are whole numbers from 0.`,
      });
    }
  });

  it("leaves nothing behind where it cannot be written", async () => {
    const path = join(directory, "scores.parquet");
    await mkdir(path);
    await expect(writeScores(path, triples)).rejects.toMatchObject({
      code: "SENIOR_TABLE_FILE",
      file: path,
      cause: expect.any(Error) as Error,
    });
    expect(await readdir(directory)).toEqual(["scores.parquet"]);
    expect(await readdir(path)).toEqual([]);
  });

  it("names the file and what is wrong with it", async () => {
    const path = join(directory, "scores.parquet");
    await expect(readScores(path)).rejects.toThrow(/scores\.parquet: there is no such file/);
    await writeFile(path, "head\trelation");
    await expect(readScores(path)).rejects.toMatchObject({
      code: "SENIOR_TABLE_FILE",
      file: path,
      cause: expect.any(Error) as Error,
    });
    const column = (name: string, data: number[]) => ({ name, data, type: "INT32" as const });
    await writeFile(
      path,
      new Uint8Array(parquetWriteBuffer({ columnData: [column("head", [1]), column("tail", [1])] })),
    );
    await expect(readScores(path)).rejects.toThrow(
      /scores\.parquet: there is no column "relation"; the file must have head, relation, tail, score, and has head, tail\./,
    );
    const ids = ["head", "relation", "tail"].map((name) => column(name, [1, name === "tail" ? -4 : 2]));
    const all = [...ids, { name: "score", data: [1, 2], type: "FLOAT" as const }];
    await writeFile(path, new Uint8Array(parquetWriteBuffer({ columnData: all })));
    await expect(readScores(path)).rejects.toMatchObject({
      code: "SENIOR_TABLE_FILE",
      file: path,
      value: -4,
      reason: expect.stringContaining("the tail of row 1 is -4") as string,
    });
    await expect(writeScores(join(directory, "no", "x.parquet"), triples)).rejects.toThrow(
      /x\.parquet: (the directory that it belongs in is not there|a part of the path)/,
    );
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
