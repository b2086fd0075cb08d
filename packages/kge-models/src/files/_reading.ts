import { createHash } from "node:crypto";
import { type FileHandle, open, stat } from "node:fs/promises";
import { fileError, MuldeError } from "@mulde/errors";
import { pieceBytes } from "./whole-file.js";

/** A regular file that is open for reading. */
export interface OpenFile {
  readonly handle: FileHandle;
  readonly path: string;
  readonly size: number;
  /** the code of errors when reading fails */
  readonly code: string;
}

/** The codes of errors of a kind of file: `absent` where there is none, `unreadable` for any other failure. */
export interface ReadCodes {
  readonly absent: string;
  readonly unreadable: string;
  /** a sentence behind the reason of `absent` */
  readonly advice?: string;
}

/**
 * Opens a regular file.
 *
 * @throws MuldeError of one of the codes, also for a directory, a device or a pipe
 */
export async function openRegular(path: string, { absent, unreadable, advice }: ReadCodes): Promise<OpenFile> {
  let stats;
  try {
    // Asked first: to open a pipe would wait for its other end.
    stats = await stat(path);
    if (stats.isDirectory()) throw Object.assign(new Error("a directory"), { code: "EISDIR" });
    if (stats.isFile()) return { handle: await open(path), path, size: stats.size, code: unreadable };
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "ENOTDIR") throw fileError(unreadable, "read", path, cause);
    throw fileError(absent, "read", path, cause, advice);
  }
  throw new MuldeError(unreadable, "this is a device or a pipe, not a file; check the path.", { file: path });
}

/**
 * Bytes of an open file, in pieces that share one buffer: use each before you ask for the next. They begin at a multiple of 8 in memory.
 *
 * @throws MuldeError of the file's code
 */
export async function* readPieces(
  file: OpenFile,
  position = 0,
  length = file.size - position,
): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(Math.min(length, pieceBytes));
  for (let done = 0; done < length;) {
    const wanted = Math.min(buffer.length, length - done);
    await fill(file, buffer.subarray(0, wanted), position + done);
    yield buffer.subarray(0, wanted);
    done += wanted;
  }
}

/** So many bytes of an open file, in an array of their own. */
export async function bytesAt(file: OpenFile, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  await fill(file, bytes, position);
  return bytes;
}

/** The SHA-256 of a file in hex digits. */
export async function sha256Of(file: OpenFile): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of readPieces(file)) hash.update(piece);
  return hash.digest("hex");
}

async function fill({ handle, path, code }: OpenFile, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesRead } = await handle.read(bytes, at, bytes.length - at, position + at).catch((cause: unknown) => {
      throw fileError(code, "read", path, cause);
    });
    if (bytesRead === 0) {
      const reason = `the file became shorter while it was read: it ends at byte ${position + at}; try again.`;
      throw new MuldeError(code, reason, { file: path });
    }
    at += bytesRead;
  }
}
