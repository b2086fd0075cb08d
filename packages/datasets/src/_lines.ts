import { readBytes } from "./_bytes.js";
import { MuldeError } from "@mulde/errors";

const LF = 0x0a;
const CR = 0x0d;

// A line is a triple of names; one of a mebibyte means that the file is binary or has no line ends, and would only fill memory.
const MAX_LINE = 1 << 20;

/** Called with each line: its bytes are `bytes[start, end)`, without the line end; lines count from 1. */
export type LineVisitor = (bytes: Buffer, start: number, end: number, line: number) => void;

/**
 * Visits the lines of a text file (LF or CRLF, gzip or not, a byte order mark skipped), blank ones left out.
 * @throws MuldeError DATA_MALFORMED_LINE for an endless line, and what reading throws.
 */
export async function forEachLine(path: string, visit: LineVisitor): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  let line = 0;
  let started = false;
  const visitComplete = (bytes: Buffer): void => {
    let start = started ? 0 : byteOrderMark(bytes);
    started = true;
    for (let end = bytes.indexOf(LF, start); end >= 0; end = bytes.indexOf(LF, start)) {
      visitLine(bytes, start, end, ++line, visit);
      start = end + 1;
    }
    rest = bytes.subarray(start);
  };
  for await (const chunk of readBytes(path)) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    // A first chunk of under three bytes waits for the next one, since a byte order mark may be cut.
    if (started || bytes.length >= 3) visitComplete(bytes);
    else rest = bytes;
    if (rest.length > MAX_LINE) {
      throw new MuldeError(
        "DATA_MALFORMED_LINE",
        `${path}:${line + 1}: the line is longer than ${MAX_LINE} bytes; is this a text file of triples, one a line?`,
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
