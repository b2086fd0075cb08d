/**
 * Files that appear whole or not at all: written under a temporary name, flushed to the disk, then renamed. The name holds the id of the
 * process that writes, so that what a killed one left can be told and removed.
 */
import type { FileHandle } from "node:fs/promises";
import { fileError } from "@mulde/errors";
import { node } from "../_node.js";
import { type Digest, pieceBytes } from "./_reading.js";

/** Makes a directory with those above it, and returns the uppermost that was not there. Node's `recursive` never ends in /proc. */
export function makeDirectories(directory: string): string | undefined {
  const { mkdirSync, statSync } = node("fs");
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return undefined;
  const above = node("path").dirname(directory);
  const made = above === directory ? undefined : makeDirectories(above);
  try {
    mkdirSync(directory);
  } catch (error) {
    // Another process may have been faster.
    if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
  return made ?? directory;
}

/** The name of a file while this process writes it. */
export function temporaryName(path: string): string {
  return `${path}.${process.pid}.tmp`;
}

/** The temporary files of a path that are there, whoever wrote them, and the ids of their writers. */
export async function temporariesOf(path: string): Promise<{ readonly path: string; readonly pid: number }[]> {
  const paths = node("path");
  const names = await node("fs/promises")
    .readdir(paths.dirname(path))
    .catch(() => []);
  const start = `${paths.basename(path)}.`;
  return names.flatMap((name) => {
    const pid = name.startsWith(start) ? /^(\d+)\.tmp$/.exec(name.slice(start.length))?.[1] : undefined;
    return pid === undefined ? [] : [{ path: paths.join(paths.dirname(path), name), pid: Number(pid) }];
  });
}

/** Whether nobody else is writing under a process's temporary names: the process ended, or is this one. */
export function isOver(pid: number): boolean {
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/** Removes the temporary files of a path that writers left behind when they were killed. */
export async function removeStale(path: string): Promise<void> {
  const { rm } = node("fs/promises");
  const stale = (await temporariesOf(path)).filter(({ pid }) => isOver(pid));
  // One that cannot be removed does no harm.
  await Promise.allSettled(stale.map((temporary) => rm(temporary.path, { force: true })));
}

/** Text in pieces, of lines. */
export function* encoded(lines: Iterable<string>): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  let text = "";
  for (const line of lines) {
    text += line;
    if (text.length < pieceBytes / 4) continue;
    yield encoder.encode(text);
    text = "";
  }
  yield encoder.encode(text);
}

/**
 * Writes pieces, of any length, to a file and flushes them to the disk.
 *
 * @param seal - What is written over the file's bytes at last, given the SHA-256 of all.
 * @throws what the file system throws
 */
export async function writeFlushed(
  path: string,
  pieces: Iterable<Uint8Array>,
  seal?: (sha256: string) => { readonly position: number; readonly text: string },
): Promise<Digest> {
  const file = await node("fs/promises").open(path, "w");
  try {
    const hash = node("crypto").createHash("sha256");
    // Copied here, since memory of WebAssembly may move while the system reads it.
    const buffer = Buffer.alloc(pieceBytes);
    let bytes = 0;
    for (const piece of pieces) {
      for (let at = 0; at < piece.length; at += pieceBytes) {
        const part = piece.subarray(at, at + pieceBytes);
        buffer.set(part);
        const written = buffer.subarray(0, part.length);
        hash.update(written);
        await writeAll(file, written, bytes);
        bytes += part.length;
      }
    }
    const sha256 = hash.digest("hex");
    const last = seal?.(sha256);
    if (last) await writeAll(file, Buffer.from(last.text), last.position);
    await file.sync();
    return { bytes, sha256 };
  } finally {
    await file.close();
  }
}

/** Makes renames in a directory last, where the system allows to ask for it. */
export async function flushDirectory(directory: string): Promise<void> {
  const handle = await node("fs/promises")
    .open(directory, "r")
    .catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/**
 * Writes a file so that it appears whole or not at all; an old one stays until the new one is on the disk. What killed writers of the same
 * file left is removed.
 *
 * @throws MuldeError FILE_WRITE with the file and what is wrong
 */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  try {
    await replaceWhole(path, (temporary) => writeFlushed(temporary, [bytes]));
  } catch (cause) {
    throw fileError("FILE_WRITE", "written", path, cause);
  }
}

/** Lets `write` write a temporary file, and gives it the name of `path`. */
export async function replaceWhole(path: string, write: (temporary: string) => Promise<unknown>): Promise<void> {
  const { rename, rm } = node("fs/promises");
  await removeStale(path);
  const temporary = temporaryName(path);
  try {
    await write(temporary);
    await rename(temporary, path);
  } catch (error) {
    // The first error is the one to report.
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  await flushDirectory(node("path").dirname(path));
}

/** The system may write less than it is given, as in front of a limit. */
async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at);
    at += bytesWritten;
  }
}
