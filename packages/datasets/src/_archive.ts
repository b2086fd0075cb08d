import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ReadEntry } from "tar";
import { Parser } from "tar";
import { readBytes } from "./_bytes.js";
import { MuldeError } from "@mulde/errors";

export interface ArchiveLimits {
  /** Bytes after decompression, the archive's own headers included. */
  readonly bytes: number;
  /** Members of any kind. */
  readonly members: number;
}

export const ARCHIVE_LIMITS: ArchiveLimits = {
  // The largest public graphs (Wikidata5M, Freebase) stay below 4 GiB as text; more is a decompression bomb.
  bytes: 4 * 2 ** 30,
  // A data set is three to a dozen files; a thousand leaves room for extras and bounds the work.
  members: 1000,
};

const FILES = new Set(["File", "OldFile", "ContiguousFile"]);
const DIRECTORIES = new Set(["Directory", "GNUDumpDir"]);

/**
 * Unpacks a tar archive (gzip or not) below an existing directory. Only plain files with paths that stay inside it are
 * written; anything else an archive could do harm with (links, devices, absolute paths, "..") is refused.
 * @throws MuldeError DATA_UNSAFE_ARCHIVE, DATA_BAD_ARCHIVE, and what reading throws.
 */
export async function extractArchive(path: string, directory: string, limits = ARCHIVE_LIMITS): Promise<void> {
  let members = 0;
  let bytes = 0;
  let failure: unknown;
  const fail = (error: unknown): void => {
    failure ??= error;
  };
  const parser = new Parser({
    onReadEntry: (entry) => {
      try {
        if (++members > limits.members) throw unsafe(path, `holds more than ${limits.members} members`);
        if (failure === undefined) unpack(path, entry, directory, fail);
      } catch (error) {
        fail(error);
      }
      entry.resume();
    },
    onwarn: (_code, message) => {
      fail(
        new MuldeError("DATA_BAD_ARCHIVE", `${path} is not a sound tar archive (${String(message)}); fetch it again.`),
      );
    },
  });
  parser.on("error", (error: unknown) => {
    fail(new MuldeError("DATA_BAD_ARCHIVE", `${path} is not a sound tar archive; fetch it again.`, { cause: error }));
  });
  for await (const chunk of readBytes(path)) {
    bytes += chunk.length;
    if (bytes > limits.bytes) fail(unsafe(path, `unpacks to more than ${limits.bytes} bytes`));
    if (failure === undefined) parser.write(chunk);
    if (failure !== undefined) throw failure;
  }
  await new Promise<void>((resolve) => {
    parser.on("end", resolve);
    parser.end();
    if (failure !== undefined) resolve();
  });
  if (failure !== undefined) throw failure;
  if (members === 0) throw new MuldeError("DATA_BAD_ARCHIVE", `${path} is an empty archive; fetch it again.`);
}

/** Writes a file while its bytes come by. The parser waits for nobody, so the writes are synchronous. */
function unpack(archive: string, entry: ReadEntry, directory: string, fail: (error: unknown) => void): void {
  const name = JSON.stringify(entry.path);
  const parts = entry.path.split(/[/\\]/);
  if (/^([/\\]|[a-z]:)/i.test(entry.path) || parts.includes("..") || entry.path.includes("\0")) {
    throw unsafe(archive, `holds ${name}, a path that leads outside`);
  }
  if (DIRECTORIES.has(entry.type)) return;
  if (!FILES.has(entry.type)) throw unsafe(archive, `holds ${name}, a ${entry.type}, where only plain files may be`);
  const target = join(directory, ...parts);
  mkdirSync(dirname(target), { recursive: true });
  // "wx": a second member of the same name is refused, never written over the first.
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

function unsafe(path: string, what: string): MuldeError {
  return new MuldeError("DATA_UNSAFE_ARCHIVE", `${path} ${what}; do not use this archive.`);
}
