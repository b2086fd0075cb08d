import { MuldeError } from "@mulde/errors";
import { node } from "../_node.js";
import { openRegular } from "./_disk-file.js";
import { bytesAt } from "./_reading.js";

const remedy = "give the vocabulary file of the model's training, and the data set that it was trained on.";

/**
 * For each of our names its row in the library's tables, from the library's vocabulary file.
 *
 * @param what - What the names are of, in errors.
 * @throws MuldeError MODELS_IMPORT, MODELS_NOT_FOUND or MODELS_READ with the file
 */
export async function rowsOf(file: string, names: readonly string[], what: string): Promise<Int32Array> {
  const theirs = await readOrder(file, names);
  const rows = new Map<string, number>();
  for (const [row, name] of theirs.entries()) {
    const first = rows.get(name);
    if (first !== undefined) {
      throw new MuldeError(
        "MODELS_IMPORT",
        `The rows ${first} and ${row} are both of the ${what} ${JSON.stringify(name)}; ${remedy}`,
        { file, value: name },
      );
    }
    rows.set(name, row);
  }
  const missing = names.find((name) => !rows.has(name));
  if (missing !== undefined) {
    throw new MuldeError("MODELS_IMPORT", `There is no ${what} ${JSON.stringify(missing)}; ${remedy}`, {
      file,
      value: missing,
    });
  }
  if (theirs.length !== names.length) {
    const ours = new Set(names);
    const odd = theirs.find((name) => !ours.has(name)) ?? "";
    throw new MuldeError(
      "MODELS_IMPORT",
      `The ${what} ${JSON.stringify(odd)} is not among those of the data set; ${remedy}`,
      { file, value: odd },
    );
  }
  return Int32Array.from(names, (name) => rows.get(name)!);
}

/** Names in the order of their rows. */
async function readOrder(file: string, ours: readonly string[]): Promise<string[]> {
  const text = await readText(file, ours);
  const lines = text.split(/\r?\n/).filter((line) => line !== "");
  const pairs = lines.map((line) => line.split("\t"));
  if (pairs.every(({ length }) => length === 1)) return lines;
  // The first line may hold a count or a heading.
  for (const rest of [pairs, pairs.slice(1)]) {
    for (const at of [0, 1]) {
      const order = inOrder(rest, at);
      if (order) return order;
    }
  }
  throw new MuldeError(
    "MODELS_IMPORT",
    `Every line must hold a name, or a name and one of the row numbers 0 to ${lines.length - 1}, separated by a tab.`,
    { file },
  );
}

/** The names by the row numbers in a column, or undefined if these are no permutation. */
function inOrder(pairs: readonly (readonly string[])[], at: number): string[] | undefined {
  const order = new Array<string | undefined>(pairs.length).fill(undefined);
  for (const pair of pairs) {
    const row = /^\d+$/.test(pair[at] ?? "") ? Number(pair[at]) : -1;
    if (pair.length !== 2 || row < 0 || row >= order.length || order[row] !== undefined) return undefined;
    order[row] = pair[1 - at]!;
  }
  return order as string[];
}

// Beside the names: a row number, a tab and a line end, and some lines in front.
const bytesBesideName = 32;
const bytesBeside = 1 << 16;

/** The text of a vocabulary file; refuses one that is far longer than our names, packed or not. */
async function readText(file: string, ours: readonly string[]): Promise<string> {
  const most = 2 * ours.reduce((sum, name) => sum + Buffer.byteLength(name) + bytesBesideName, bytesBeside);
  const refuse = (reason: string, cause?: unknown): MuldeError =>
    new MuldeError("MODELS_IMPORT", reason, { file, cause });
  const tooLong = (cause?: unknown): MuldeError =>
    refuse(`The file is far longer than the names of the data set (more than ${most} bytes); ${remedy}`, cause);
  const opened = await openRegular(file, { absent: "MODELS_NOT_FOUND", unreadable: "MODELS_READ" });
  try {
    if (opened.size > most) throw tooLong();
    let bytes: Uint8Array = await bytesAt(opened, 0, opened.size);
    if (file.endsWith(".gz")) {
      const unpack = node("util").promisify(node("zlib").gunzip);
      bytes = await unpack(bytes, { maxOutputLength: most }).catch((cause: unknown) => {
        if ((cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLong(cause);
        throw refuse("The file cannot be unpacked as gzip; get it again, or unpack it first.", cause);
      });
    }
    // A byte order mark is not part of a name.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    if (cause instanceof MuldeError) throw cause;
    throw refuse("The file is not UTF-8; save it as UTF-8.", cause);
  } finally {
    await opened.close();
  }
}
