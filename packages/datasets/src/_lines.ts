import { MuldeError } from "@mulde/errors";
import { readBytes } from "./_bytes.js";
import type { Source } from "./_source.js";

const LF = 0x0a;
const CR = 0x0d;

/** A line holds one triple of names. A line of a mebibyte means that the file is binary or has no line ends, and would only fill memory. */
export const MAX_LINE = 1 << 20;

/** Called with each line: its bytes are `bytes[start, end)`, without the line end. Lines count from 1. */
export type LineVisitor = (bytes: Buffer, start: number, end: number, line: number) => void;

/**
 * Visits the lines of a text file (LF or CRLF, gzip or not), except blank ones. It skips a byte order mark.
 * @throws MuldeError DATA_MALFORMED_LINE for a line of more than a mebibyte, and what `readBytes` throws.
 */
export async function forEachLine(source: Source, signal: AbortSignal | undefined, visit: LineVisitor): Promise<void> {
  const unfinished = new Unfinished();
  let line = 0;
  const visitLine = (bytes: Buffer, start: number, end: number): void => {
    line++;
    if (line === 1) start = afterByteOrderMark(bytes, start, end);
    if (end > start && bytes[end - 1] === CR) end--;
    if (end - start > MAX_LINE) throw tooLong(source.name, line, bytes.subarray(start, end));
    let blank = start;
    while (blank < end && bytes[blank] === 0x20) blank++;
    if (blank < end) visit(bytes, start, end, line);
  };
  for await (const chunk of readBytes(source, signal)) {
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      if (unfinished.length === 0) visitLine(chunk, start, end);
      else {
        const whole = unfinished.take(chunk.subarray(start, end));
        visitLine(whole, 0, whole.length);
      }
      start = end + 1;
    }
    unfinished.add(chunk.subarray(start));
    if (unfinished.length > MAX_LINE) throw tooLong(source.name, line + 1, unfinished.take());
  }
  // The last line may lack its end.
  if (unfinished.length > 0) {
    const whole = unfinished.take();
    visitLine(whole, 0, whole.length);
  }
}

/** A line whose end has not arrived. Its pieces are joined once, so that a long line costs its length and not its square. */
class Unfinished {
  #pieces: Buffer[] = [];
  length = 0;

  add(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.length += piece.length;
  }

  /** The line with its last piece; what follows starts empty. */
  take(last?: Buffer): Buffer {
    if (last) this.add(last);
    const whole = Buffer.concat(this.#pieces, this.length);
    this.#pieces = [];
    this.length = 0;
    return whole;
  }
}

function afterByteOrderMark(bytes: Uint8Array, start: number, end: number): number {
  const marked = end - start >= 3 && bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf;
  return marked ? start + 3 : start;
}

function tooLong(file: string, line: number, bytes: Buffer): MuldeError {
  const why = bytes.includes(CR) ? OLD_MAC : "pass a text file with one triple a line";
  return new MuldeError("DATA_MALFORMED_LINE", `the line is longer than ${MAX_LINE} bytes; ${why}.`, { file, line });
}

/** What to do about a carriage return within a line. */
export const OLD_MAC =
  "it has carriage returns without line feeds, as old Mac files do: convert them with tr '\\r' '\\n'";
