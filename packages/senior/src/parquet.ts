// Score tables as Parquet files. An entry of its own, since it needs a disk, and a reader and a writer that nothing else does.
import { open, rename, rm, stat } from "node:fs/promises";
import { fileError, MuldeError } from "@mulde/errors";
import { asyncBufferFromFile, type DecodedArray, parquetMetadataAsync, parquetRead, parquetSchema } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";
import { checkPages } from "./_parquet-pages.js";
import type { ScoredTriples } from "./score-table.js";

const columns = ["head", "relation", "tail", "score"] as const;

/**
 * Reads scored triples from a Parquet file with the columns head, relation, tail (ids) and score.
 *
 * @throws MuldeError SENIOR_TABLE_FILE that names the file, and the column or row at fault
 */
export async function readScores(path: string): Promise<ScoredTriples> {
  const refuse = (reason: string, value?: unknown): MuldeError =>
    new MuldeError("SENIOR_TABLE_FILE", reason, { file: path, value });
  await checkRegular(path);
  try {
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    const present = parquetSchema(metadata).children.map(({ element }) => element.name);
    const absent = columns.find((name) => !present.includes(name));
    if (absent !== undefined) {
      throw refuse(
        `there is no column "${absent}"; the file must have ${columns.join(", ")}, and has ${present.join(", ")}.`,
      );
    }
    const rows = Number(metadata.num_rows);
    // Each row takes a bit of a page at least, packed a thousandth of that.
    if (!(rows >= 0 && rows <= 8000 * file.byteLength))
      throw refuse("the file is damaged; write the file again.", rows);
    await checkPages(path, file, metadata);
    const ids = { head: new Int32Array(rows), relation: new Int32Array(rows), tail: new Int32Array(rows) };
    const scores = new Float32Array(rows);
    // The reader swallows what its callback throws.
    const wrong: MuldeError[] = [];
    const fill = (name: string, values: DecodedArray, from: number): void => {
      for (let i = 0; i < values.length; i++) {
        const value = Number(values[i]);
        if (name === "score") {
          scores[from + i] = value;
          continue;
        }
        if (wrong.length === 0 && !(Number.isInteger(value) && value >= 0 && value < 2 ** 31)) {
          wrong.push(
            refuse(
              `the ${name} of row ${String(from + i)} is ${String(values[i])}; ids are whole numbers from 0.`,
              values[i],
            ),
          );
        }
        ids[name as keyof typeof ids][from + i] = value;
      }
    };
    await parquetRead({
      file,
      metadata,
      columns: [...columns],
      onChunk: ({ columnName, columnData, rowStart }) => fill(columnName, columnData, rowStart),
    });
    if (wrong[0]) throw wrong[0];
    return { heads: ids.head, relations: ids.relation, tails: ids.tail, scores };
  } catch (cause) {
    if (cause instanceof MuldeError) throw cause;
    throw new MuldeError(
      "SENIOR_TABLE_FILE",
      "this is not Parquet, or damaged; check the path, or write the file again.",
      { file: path, cause },
    );
  }
}

/** Refuses what is no file. Asked first: to open a pipe would wait for its other end. */
async function checkRegular(path: string): Promise<void> {
  const stats = await stat(path).catch((cause: unknown) => {
    throw fileError("SENIOR_TABLE_FILE", "read", path, cause);
  });
  if (stats.isFile()) return;
  const kind = stats.isDirectory() ? "a directory" : "a device or a pipe";
  throw new MuldeError("SENIOR_TABLE_FILE", `this is ${kind}, not a file; check the path.`, { file: path });
}

/**
 * Writes scored triples as a Parquet file that `readScores`, pandas and DuckDB read. The file is written as a whole or not at all.
 *
 * @throws MuldeError SENIOR_TABLE_FILE that names the file
 */
export async function writeScores(path: string, triples: ScoredTriples): Promise<void> {
  const { heads, relations, tails, scores } = triples;
  const bytes = parquetWriteBuffer({
    columnData: [
      { name: "head", data: heads, type: "INT32" },
      { name: "relation", data: relations, type: "INT32" },
      { name: "tail", data: tails, type: "INT32" },
      { name: "score", data: scores, type: "FLOAT" },
    ],
  });
  const temporary = `${path}.${String(process.pid)}.tmp`;
  try {
    const file = await open(temporary, "w");
    try {
      await file.writeFile(new Uint8Array(bytes));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw fileError("SENIOR_TABLE_FILE", "written", path, cause);
  }
}
