import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asyncBufferFromFile, parquetMetadataAsync, parquetSchema } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ScoredTriples } from "../src/index.js";
import { readScores, writeScores } from "../src/parquet.js";

const triples: ScoredTriples = {
  heads: Int32Array.of(7, 2, 7, 7),
  relations: Int32Array.of(0, 3, 0, 0),
  tails: Int32Array.of(5, 4, 1, 5),
  scores: Float32Array.of(9, -2, 0.5, 3),
};

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
