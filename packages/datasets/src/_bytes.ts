import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { MuldeError } from "@mulde/errors";

// Large enough to make reads and joins of chunks cheap, small enough to stay in the cache.
const CHUNK = 1 << 20;

/**
 * The bytes of a file in chunks. A file that starts with gzip's magic bytes is decompressed, whatever its name.
 * @throws MuldeError DATA_NOT_FOUND, DATA_UNREADABLE or DATA_BAD_GZIP that names the file.
 */
export async function* readBytes(path: string): AsyncGenerator<Buffer> {
  try {
    const gzip = await isGzip(path);
    const raw = createReadStream(path, { highWaterMark: CHUNK });
    if (!gzip) {
      yield* raw as AsyncIterable<Buffer>;
      return;
    }
    const gunzip = createGunzip({ chunkSize: CHUNK });
    raw.on("error", (error) => gunzip.destroy(error));
    try {
      yield* raw.pipe(gunzip) as AsyncIterable<Buffer>;
    } finally {
      raw.destroy();
    }
  } catch (error) {
    throw readError(path, error);
  }
}

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const magic = Buffer.alloc(2);
    const { bytesRead } = await file.read(magic, 0, 2, 0);
    return bytesRead === 2 && magic[0] === 0x1f && magic[1] === 0x8b;
  } finally {
    await file.close();
  }
}

function readError(file: string, error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const fields = { file, cause: error };
  if (code === "ENOENT") return new MuldeError("DATA_NOT_FOUND", "there is no such file; check the path.", fields);
  if (code.startsWith("Z_")) {
    const reason = `the gzip file is damaged or truncated (${(error as Error).message}); fetch it again.`;
    return new MuldeError("DATA_BAD_GZIP", reason, fields);
  }
  if (code.startsWith("E") && !(error instanceof MuldeError)) {
    const reason = `the file cannot be read (${(error as Error).message}); check its type and permissions.`;
    return new MuldeError("DATA_UNREADABLE", reason, fields);
  }
  return error;
}
