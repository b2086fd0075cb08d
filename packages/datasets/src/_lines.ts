import { MuldeError } from "@mulde/errors";
import { readBytes } from "./_bytes.js";

const LF = 0x0a;
const CR = 0x0d;

// A line holds one triple of names. A line of a mebibyte means that the file is binary or has no line ends, and would only fill memory.
const MAX_LINE = 1 << 20;

/** Called with each line: its bytes are `bytes[start, end)`, without the line end. Lines count from 1. */
export type LineVisitor = (bytes: Buffer, start: number, end: number, line: number) => void;

/**
 * Visits the lines of a text file (LF or CRLF, gzip or not), except blank ones. It skips a byte order mark.
 * @throws MuldeError DATA_MALFORMED_LINE for a line of more than a mebibyte, and what `readBytes` throws.
 */
export async function forEachLine(path: string, visit: LineVisitor): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  let line = 0;
  let visits = 0;
  const visitComplete = (bytes: Buffer): void => {
    let start = visits++ === 0 ? byteOrderMark(bytes) : 0;
    for (let end = bytes.indexOf(LF, start); end >= 0; end = bytes.indexOf(LF, start)) {
      visitLine(bytes, start, end, ++line, visit);
      start = end + 1;
    }
    rest = bytes.subarray(start);
  };
  for await (const chunk of readBytes(path)) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    // A first chunk of less than three bytes waits for the next, because it may end inside a byte order mark.
    if (visits > 0 || bytes.length >= 3) visitComplete(bytes);
    else rest = bytes;
    if (rest.length > MAX_LINE) {
      throw new MuldeError(
        "DATA_MALFORMED_LINE",
        `the line is longer than ${MAX_LINE} bytes; pass a text file with one triple a line.`,
        { file: path, line: line + 1 },
      );
    }
  }
  // The last line may lack its end.
  if (rest.length > 0) visitComplete(Buffer.concat([rest, Buffer.of(LF)]));
}

function visitLine(bytes: Buffer, start: number, end: number, line: number, visit: LineVisitor): void {
  if (end > start && bytes[end - 1] === CR) end--;
  let blank = start;
  while (blank < end && bytes[blank] === 0x20) blank++;
  if (blank < end) visit(bytes, start, end, line);
}

function byteOrderMark(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}
