import { Readable } from "node:stream";
import type { Gunzip } from "node:zlib";
import { createGunzip } from "node:zlib";
import { MuldeError } from "@mulde/errors";

const CHUNK = 1 << 20;

/**
 * What may follow the end of packed bytes: zeros that fill a block of the tape or disk. Blocks have kibibytes; a sparse file can claim
 * terabytes, which nobody wants to wait for.
 */
export const MAX_PADDING = 1 << 24;

/**
 * Unpacks gzip, of several members too.
 *
 * @param unpacked - called with the bytes of each chunk, and how many packed bytes were used so far; what it throws ends the unpacking
 * @throws MuldeError DATA_BAD_GZIP that names the source, and what `chunks` throws
 */
export async function* gunzip(
  name: string,
  chunks: AsyncGenerator<Buffer>,
  unpacked: (bytes: number, used: number) => void,
): AsyncGenerator<Buffer> {
  const engine = createGunzip({ chunkSize: CHUNK });
  const unused: Piece[] = [];
  const raw = Readable.from(followed(chunks, engine, unused), { objectMode: false });
  raw.on("error", (error) => engine.destroy(error));
  try {
    for await (const chunk of raw.pipe(engine) as AsyncIterable<Buffer>) {
      unpacked(chunk.length, engine.bytesWritten);
      yield chunk;
    }
    // The rest of the source, which the engine did not ask for.
    raw.unpipe(engine);
    let padding = 0;
    for await (const bytes of raw as AsyncIterable<Buffer>) {
      padding += bytes.length;
      if (padding > MAX_PADDING || !isPadding(bytes)) throw followedByOthers(name);
    }
    for (const { start, bytes } of unused) {
      if (!isPadding(bytes.subarray(Math.max(0, engine.bytesWritten - start)))) throw followedByOthers(name);
    }
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!code.startsWith("Z_")) throw error;
    throw damaged(name, (error as Error).message, error);
  } finally {
    raw.destroy();
    engine.destroy();
  }
}

interface Piece {
  readonly start: number;
  readonly bytes: Buffer;
}

/**
 * Remembers the chunks that the engine got and has not used up. It reports bytes that are no gzip, but ends at a zero, which is padding, and would
 * ignore whatever stands behind that.
 */
async function* followed(chunks: AsyncGenerator<Buffer>, engine: Gunzip, unused: Piece[]): AsyncGenerator<Buffer> {
  let start = 0;
  for await (const bytes of chunks) {
    while (unused[0] && unused[0].start + unused[0].bytes.length <= engine.bytesWritten) unused.shift();
    if (!engine.readableEnded) unused.push({ start, bytes });
    start += bytes.length;
    yield bytes;
  }
}

function isPadding(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}

function followedByOthers(name: string): MuldeError {
  return damaged(name, "other bytes follow the packed ones");
}

function damaged(file: string, why: string, cause?: unknown): MuldeError {
  return new MuldeError("DATA_BAD_GZIP", `the gzip file is damaged or truncated (${why}); fetch it again.`, {
    file,
    cause,
  });
}
