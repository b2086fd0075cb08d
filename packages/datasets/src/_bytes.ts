import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { MuldeError } from "@mulde/errors";

// Large enough that the cost of a read and of joining two chunks vanishes, small enough to stay in the cache.
const CHUNK = 1 << 20;

/**
 * The bytes of a file, decompressed when it starts with gzip's magic bytes whatever it is called, in chunks.
 * @throws MuldeError DATA_NOT_FOUND, DATA_UNREADABLE or DATA_BAD_GZIP, naming the file.
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

function readError(path: string, error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ENOENT") return new MuldeError("DATA_NOT_FOUND", `There is no file ${path}; check the path.`);
  if (code.startsWith("Z_")) {
    const message = `${path} is a damaged or truncated gzip file (${(error as Error).message}); fetch it again.`;
    return new MuldeError("DATA_BAD_GZIP", message, { cause: error });
  }
  if (code.startsWith("E") && !(error instanceof MuldeError)) {
    const message = `${path} cannot be read (${(error as Error).message}); it must be a readable file.`;
    return new MuldeError("DATA_UNREADABLE", message, { cause: error });
  }
  return error;
}
