import { stat } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { MuldeError } from "@mulde/errors";
import type { ReadEntry } from "tar";
import { Parser } from "tar";
import { unpack, withHead } from "./_bytes.js";
import { refuseFormats, TAR } from "./_formats.js";
import { MAX_PADDING } from "./_gunzip.js";
import { Budget, UNPACK_LIMITS } from "./_limits.js";
import type { UnpackLimits } from "./_limits.js";
import { quoted } from "./_names.js";
import type { Source } from "./_source.js";
import { fileSource, readError } from "./_source.js";
import type { Folder } from "./_splits.js";

export interface ArchiveOptions {
  readonly limits?: UnpackLimits | undefined;
  readonly signal?: AbortSignal | undefined;
}

// A data set has three to a dozen files. A thousand leaves room for extras and bounds the work.
const MAX_MEMBERS = 1000;
// A member may have a header of long names and one of attributes, and a Mac gives it a second member with the same.
const MAX_HEADERS = 4 * MAX_MEMBERS;
// Linux allows no longer path than 4096 bytes, and data sets need no tenth of it.
const MAX_PATH = 1024;

const REPACK = "pack the data set's own files again, without options";

const FILES = new Set(["File", "OldFile", "ContiguousFile"]);
const DIRECTORIES = new Set(["Directory", "GNUDumpDir"]);

/**
 * A tar archive (gzip or not) as a folder. Nothing is unpacked to the disk: each file is read by walking through the archive once more, which
 * costs a second for a gigabyte, and leaves nothing behind however the process ends.
 *
 * It refuses what a program that does unpack could be harmed with: links, devices, absolute paths, "..", a second file of the same name.
 * @throws MuldeError DATA_UNSAFE_ARCHIVE, DATA_BAD_ARCHIVE, DATA_BOMB, and what reading gzip and files throws.
 */
export async function openArchive(path: string, { limits = UNPACK_LIMITS, signal }: ArchiveOptions): Promise<Folder> {
  const budget = new Budget(path, limits);
  const files = new Map<string, number>();
  const directories = new Set<string>();
  let members = 0;
  for await (const found of walk(path, fileSource(path, budget), signal)) {
    if (Buffer.isBuffer(found)) continue;
    if (members === MAX_MEMBERS) throw unsafe(path, `it has more than ${MAX_MEMBERS} members`, REPACK);
    const parts = partsOf(path, found);
    const isDirectory = DIRECTORIES.has(found.type);
    for (let depth = 1; depth < parts.length + (isDirectory ? 1 : 0); depth++) {
      directories.add(parts.slice(0, depth).join("/"));
    }
    const name = parts.join("/");
    if (!isDirectory) {
      if (files.has(name)) throw unsafe(path, `it has two members ${quoted(name)}`, REPACK);
      files.set(name, members);
    }
    members++;
  }
  if (members === 0) throw damaged(path, "it is empty");
  // Members may be packed though the archive is not.
  budget.used(await sizeOf(path));
  return {
    name: path,
    list: (below = "") =>
      Promise.resolve({ files: inside(files.keys(), below), directories: inside(directories, below) }),
    source: (name) => memberSource(path, name, files.get(name)!, budget, signal),
  };
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (cause) {
    throw readError(path, cause);
  }
}

/** A file of the archive: the nth member. */
function memberSource(
  archive: string,
  member: string,
  nth: number,
  budget: Budget,
  signal: AbortSignal | undefined,
): Source {
  return {
    name: `${archive}: ${member}`,
    async *chunks() {
      let at = -1;
      // What the archive itself unpacks to was counted when it was opened.
      for await (const found of walk(archive, fileSource(archive), signal)) {
        if (!Buffer.isBuffer(found)) at++;
        else if (at === nth) yield found;
        if (at > nth) return;
      }
    },
    unpacked(bytes) {
      budget.spend(bytes);
    },
  };
}

/** The members of an archive, each followed by its bytes in chunks. */
async function* walk(
  path: string,
  source: Source,
  signal: AbortSignal | undefined,
): AsyncGenerator<ReadEntry | Buffer> {
  let found: (ReadEntry | Buffer)[] = [];
  let headers = 0;
  const end = { seen: false };
  let behind = 0;
  // Only the first one is thrown: it causes the others.
  const failures: MuldeError[] = [];
  const parser = new Parser({
    onReadEntry: (entry) => {
      found.push(entry);
      entry.on("data", (chunk) => found.push(chunk));
    },
    onwarn: (_code, message) => failures.push(damaged(path, message)),
  });
  parser.on("error", (error: unknown) => failures.push(damaged(path, (error as Error).message, error)));
  parser.on("meta", () => {
    if (++headers > MAX_HEADERS) failures.push(unsafe(path, `it has more than ${MAX_HEADERS} headers`, REPACK));
  });
  // Members that the parser does not know, and headers of more than a mebibyte.
  parser.on("ignoredEntry", (entry: ReadEntry) => {
    failures.push(unsafe(path, `its member ${quoted(entry.path)} is a ${entry.type}, not a plain file`, REPACK));
  });
  parser.on("eof", () => {
    end.seen = true;
  });
  for await (const { chunk, isHead } of withHead(unpack(source))) {
    // The parser would unpack a gzip or zstd within by itself, without limits.
    if (isHead) refuseFormats(path, chunk, TAR);
    await setImmediate();
    signal?.throwIfAborted();
    // The parser would join everything behind the end, again and again.
    if (!end.seen) feed(path, parser, chunk);
    else if ((behind += chunk.length) > MAX_PADDING) {
      throw damaged(path, `more than ${MAX_PADDING} bytes follow its end`);
    }
    if (failures[0]) throw failures[0];
    const now = found;
    found = [];
    yield* now;
  }
  parser.end();
  if (failures[0]) throw failures[0];
  yield* found;
}

/** The parser reports most damage as warnings, and throws what surprises it. */
function feed(path: string, parser: Parser, chunk: Buffer): void {
  try {
    parser.write(chunk);
  } catch (error) {
    throw damaged(path, (error as Error).message, error);
  }
}

/** The parts of a member's path. Throws for whatever is neither a plain file nor a directory inside the archive. */
function partsOf(archive: string, { path, type }: ReadEntry): readonly string[] {
  const name = quoted(path);
  if (path.length > MAX_PATH)
    throw unsafe(archive, `its member ${name} has a path of ${path.length} characters`, REPACK);
  const parts = path.split(/[/\\]/);
  if (/^([/\\]|[a-z]:)/i.test(path) || parts.includes("..") || path.includes("\0")) {
    throw unsafe(archive, `its member ${name} has a path that leads outside`);
  }
  if (!FILES.has(type) && !DIRECTORIES.has(type)) {
    throw unsafe(archive, `its member ${name} is a ${type}, not a plain file`);
  }
  // GNU tar hides sparse files behind this name; their bytes are a map of the holes, then the rest.
  if (parts.some((part) => /^GNUSparseFile\.\d+$/.test(part))) {
    throw unsafe(archive, `its member ${name} is a sparse file, not a plain file`, REPACK);
  }
  return parts.filter((part) => part !== "" && part !== ".");
}

/** The names of those paths that are directly below a directory, sorted. */
function inside(paths: Iterable<string>, below: string): string[] {
  const start = below === "" ? "" : `${below}/`;
  const names: string[] = [];
  for (const path of paths) {
    if (!path.startsWith(start)) continue;
    const rest = path.slice(start.length);
    if (rest !== "" && !rest.includes("/")) names.push(rest);
  }
  return names.sort();
}

function unsafe(file: string, what: string, fix = "do not use this archive"): MuldeError {
  return new MuldeError("DATA_UNSAFE_ARCHIVE", `${what}; ${fix}.`, { file });
}

function damaged(file: string, why: string, cause?: unknown): MuldeError {
  return new MuldeError("DATA_BAD_ARCHIVE", `this is not a complete tar archive (${why}); fetch it again.`, {
    file,
    cause,
  });
}
