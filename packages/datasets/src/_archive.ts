import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ReadEntry } from "tar";
import { Parser } from "tar";
import { MuldeError } from "@mulde/errors";
import { readBytes } from "./_bytes.js";

export interface ArchiveLimits {
  /** Bytes after decompression, including the archive's headers. */
  readonly bytes: number;
  /** Members of any kind. */
  readonly members: number;
}

export const ARCHIVE_LIMITS: ArchiveLimits = {
  // The largest public graphs (Wikidata5M, Freebase) are below 4 GiB as text. More is a decompression bomb.
  bytes: 4 * 2 ** 30,
  // A data set has three to a dozen files. A thousand leaves room for extras and bounds the work.
  members: 1000,
};

const FILES = new Set(["File", "OldFile", "ContiguousFile"]);
const DIRECTORIES = new Set(["Directory", "GNUDumpDir"]);

/**
 * Unpacks a tar archive (gzip or not) into an existing directory. It writes plain files whose paths stay inside, and refuses whatever else
 * an archive can do harm with: links, devices, absolute paths, "..".
 * @throws MuldeError DATA_UNSAFE_ARCHIVE, DATA_BAD_ARCHIVE, and what `readBytes` throws.
 */
export async function extractArchive(path: string, directory: string, limits = ARCHIVE_LIMITS): Promise<void> {
  let members = 0;
  let bytes = 0;
  // Only the first one is thrown: it causes the others.
  const failures: Error[] = [];
  const fail = (error: unknown): void => {
    failures.push(error instanceof Error ? error : new Error(String(error)));
  };
  const parser = new Parser({
    onReadEntry: (entry) => {
      try {
        if (++members > limits.members) throw unsafe(path, `it has more than ${limits.members} members`);
        if (failures.length === 0) unpack(path, entry, directory, fail);
      } catch (error) {
        fail(error);
      }
      entry.resume();
    },
    onwarn: (_code, message) => {
      fail(damaged(path, message));
    },
  });
  parser.on("error", (error: unknown) => {
    fail(damaged(path, (error as Error).message, error));
  });
  for await (const chunk of readBytes(path)) {
    bytes += chunk.length;
    if (bytes > limits.bytes) fail(unsafe(path, `it unpacks to more than ${limits.bytes} bytes`));
    if (failures.length === 0) parser.write(chunk);
    if (failures[0]) throw failures[0];
  }
  await new Promise<void>((resolve) => {
    parser.on("end", resolve);
    parser.end();
    if (failures.length > 0) resolve();
  });
  if (failures[0]) throw failures[0];
  if (members === 0) throw damaged(path, "it is empty");
}

/** Writes a member while the parser reads it. The parser does not wait, so the writes are synchronous. */
function unpack(archive: string, entry: ReadEntry, directory: string, fail: (error: unknown) => void): void {
  const name = JSON.stringify(entry.path);
  const parts = entry.path.split(/[/\\]/);
  if (/^([/\\]|[a-z]:)/i.test(entry.path) || parts.includes("..") || entry.path.includes("\0")) {
    throw unsafe(archive, `its member ${name} has a path that leads outside`);
  }
  if (DIRECTORIES.has(entry.type)) return;
  if (!FILES.has(entry.type)) throw unsafe(archive, `its member ${name} is a ${entry.type}, not a plain file`);
  const target = join(directory, ...parts);
  mkdirSync(dirname(target), { recursive: true });
  // "wx" refuses a second member of the same name instead of overwriting the first.
  const file = openSync(target, "wx");
  let open = true;
  entry.on("data", (chunk) => {
    try {
      for (let at = 0; at < chunk.length;) at += writeSync(file, chunk, at);
    } catch (error) {
      fail(error);
    }
  });
  entry.on("end", () => {
    if (open) closeSync(file);
    open = false;
  });
}

function unsafe(file: string, what: string): MuldeError {
  return new MuldeError("DATA_UNSAFE_ARCHIVE", `${what}; do not use this archive.`, { file });
}

function damaged(file: string, why: string, cause?: unknown): MuldeError {
  return new MuldeError("DATA_BAD_ARCHIVE", `this is not a complete tar archive (${why}); fetch it again.`, {
    file,
    cause,
  });
}
