import type { DecodedArray } from "hyparquet";
import { MuldeError } from "@mulde/errors";
import type { ScoredTriples } from "./score-table.js";

const columns = ["head", "relation", "tail", "score"] as const;

/**
 * Reads scored triples from a Parquet file with the columns head, relation, tail (ids) and score. Node only.
 *
 * @throws MuldeError SENIOR_TABLE_FILE naming the file, and the column or row that is wrong
 */
export async function readScores(path: string): Promise<ScoredTriples> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetRead, parquetSchema } = await import("hyparquet");
  const refuse = (reason: string, cause?: unknown): MuldeError =>
    new MuldeError("SENIOR_TABLE_FILE", `${path} ${reason}`, { cause });
  try {
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    const present = parquetSchema(metadata).children.map(({ element }) => element.name);
    const absent = columns.find((name) => !present.includes(name));
    if (absent !== undefined) {
      throw refuse(`has no column "${absent}"; it needs ${columns.join(", ")}, and has ${present.join(", ")}.`);
    }
    const rows = Number(metadata.num_rows);
    const ids = { head: new Int32Array(rows), relation: new Int32Array(rows), tail: new Int32Array(rows) };
    const scores = new Float32Array(rows);
    // The reader does not pass on what its callback throws.
    let wrong: MuldeError | undefined;
    const fill = (name: string, values: DecodedArray, from: number): void => {
      for (let i = 0; i < values.length; i++) {
        const value = Number(values[i]);
        if (name === "score") {
          scores[from + i] = value;
          continue;
        }
        if (!(Number.isInteger(value) && value >= 0 && value < 2 ** 31)) {
          wrong ??= refuse(
            `has ${String(values[i])} for the ${name} of row ${String(from + i)}; ids are whole numbers from 0.`,
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
    if (wrong !== undefined) throw wrong as MuldeError;
    return { heads: ids.head, relations: ids.relation, tails: ids.tail, scores };
  } catch (cause) {
    if (cause instanceof MuldeError) throw cause;
    throw refuse(`cannot be read as Parquet (${(cause as Error).message}); check the path, or write it anew.`, cause);
  }
}

/** Writes scored triples as a Parquet file that `readScores`, pandas and DuckDB read; whole or not at all. Node only. */
export async function writeScores(path: string, triples: ScoredTriples): Promise<void> {
  const { parquetWriteBuffer } = await import("hyparquet-writer");
  const { open, rename, rm } = await import("node:fs/promises");
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
    throw new MuldeError("SENIOR_TABLE_FILE", `${path} cannot be written (${(cause as Error).message}).`, { cause });
  }
}
