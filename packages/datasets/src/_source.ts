import type { Stats } from "node:fs";
import { open, stat } from "node:fs/promises";
import { fileError, MuldeError } from "@mulde/errors";
import { Budget } from "./_limits.js";

// Large enough to make reads cheap, small enough to stay in the cache.
const CHUNK = 1 << 20;

/** Bytes and what to call them: a file, or a member of an archive. */
export interface Source {
  /** What errors call it: the path of a file, or "ARCHIVE: MEMBER". Its ending tells the format of triples. */
  readonly name: string;
  /** The bytes as they are stored. */
  chunks(): AsyncGenerator<Buffer>;
  /** Called for bytes that came out of gzip, with how many of the source's own bytes were used so far. Throws past the limits. */
  unpacked(bytes: number, used: number): void;
}

/** A file as a source. */
export function fileSource(path: string, budget = new Budget(path)): Source {
  return {
    name: path,
    chunks: () => readFile(path),
    unpacked(bytes, used) {
      budget.used(used);
      budget.spend(bytes);
    },
  };
}

/** @throws MuldeError DATA_NOT_FOUND or DATA_UNREADABLE, which name the file. */
async function* readFile(path: string): AsyncGenerator<Buffer> {
  try {
    // Before it is opened: opening a named pipe waits for a writer, and a device may never end.
    refuseOthers(path, await stat(path));
    const file = await open(path);
    try {
      for (;;) {
        const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, null);
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw readError(path, cause);
  }
}

/** A failure to read, as an error that names the file; an error that is none of the file system's as it is. */
export function readError(path: string, cause: unknown): unknown {
  if (cause instanceof MuldeError || !(cause instanceof Error) || !("syscall" in cause)) return cause;
  const absent = "code" in cause && cause.code === "ENOENT";
  return fileError(absent ? "DATA_NOT_FOUND" : "DATA_UNREADABLE", "read", path, cause);
}

/** @throws MuldeError DATA_UNREADABLE for anything but a plain file. */
function refuseOthers(file: string, found: Stats): void {
  if (found.isFile()) return;
  const kind = found.isDirectory()
    ? "a directory"
    : found.isFIFO()
      ? "a pipe"
      : found.isSocket()
        ? "a socket"
        : "a device";
  throw new MuldeError("DATA_UNREADABLE", `this is ${kind}, not a file; write the triples to a file and pass that.`, {
    file,
    value: kind,
  });
}
