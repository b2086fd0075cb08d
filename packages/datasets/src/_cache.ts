import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileError, MuldeError } from "@mulde/errors";
import { openArchive } from "./_archive.js";
import { TripleBuilder } from "./_builder.js";
import { readDelimited } from "./_delimited.js";
import { fileSource } from "./_source.js";
import { findSplits } from "./_splits.js";
import { refuseEmpty } from "./read.js";

// A part that nobody wrote to for an hour has no writer: a download without bytes gives up far sooner.
const ABANDONED_MS = 3_600_000;

/**
 * Makes a directory and those that it is in.
 * @throws MuldeError DATA_CACHE that names the directory.
 */
export async function makeDirectory(directory: string): Promise<void> {
  try {
    if ((await stat(directory).catch(() => undefined))?.isDirectory() === true) return;
    // Not by the option `recursive`, which tries for ever where directories cannot be made, as in /proc.
    if (dirname(directory) !== directory) await makeDirectory(dirname(directory));
    await mkdir(directory).catch(async (cause: unknown) => {
      // Another process was faster.
      if (!(await stat(directory)).isDirectory()) throw cause;
    });
  } catch (cause) {
    throw cause instanceof MuldeError ? cause : cacheError(directory, cause);
  }
}

/** The end of a part's name: the process that writes it, 0 for nobody, and something that no other part has. */
const PART = /\.(\d+)-[0-9a-f]{8}\.part$/;

function partOf(target: string, pid: number): string {
  return `${target}.${pid}-${randomBytes(4).toString("hex")}.part`;
}

/**
 * A file for a download to grow in, which no other download writes to. It takes over what an earlier call or a dead process left, with its
 * ETag, and removes further left-overs. Call `releasePart` at the end.
 */
export async function claimPart(target: string): Promise<string> {
  const part = partOf(target, process.pid);
  for (const old of await abandonedParts(target)) {
    if (!(await movePart(old, part))) continue;
    // From now on it is not old.
    await utimes(part, new Date(), new Date()).catch(() => undefined);
    break;
  }
  for (const old of await abandonedParts(target)) await removePart(old);
  return part;
}

/** Lets others take over what is left of a part. */
export async function releasePart(target: string, part: string): Promise<void> {
  await movePart(part, partOf(target, 0));
}

/** Renames a part with its ETag; returns whether it was there. */
async function movePart(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
  } catch {
    return false;
  }
  await rename(etagFile(from), etagFile(to)).catch(() => undefined);
  return true;
}

/** Removes a part and its ETag. */
export async function removePart(part: string): Promise<void> {
  for (const file of [part, etagFile(part)]) {
    await rm(file, { force: true }).catch((cause: unknown) => {
      throw cacheError(file, cause);
    });
  }
}

/** Where the ETag of a part is kept. */
export function etagFile(part: string): string {
  return `${part}.etag`;
}

/** The parts of a file that nobody writes to, the largest first. */
async function abandonedParts(target: string): Promise<string[]> {
  const directory = dirname(target);
  const found: { readonly path: string; readonly size: number }[] = [];
  const names = await readdir(directory).catch((cause: unknown) => {
    throw cacheError(directory, cause, "read");
  });
  for (const name of names) {
    const part = name.replace(/\.etag$/, "");
    const pid = PART.exec(part)?.[1];
    if (pid === undefined || part.replace(PART, "") !== basename(target)) continue;
    const path = join(directory, part);
    const { size = 0, mtimeMs = 0 } = (await stat(path).catch(() => undefined)) ?? {};
    if (Date.now() - mtimeMs > ABANDONED_MS || !isAlive(Number(pid))) found.push({ path, size });
  }
  return found.sort((a, b) => b.size - a.size).map(({ path }) => path);
}

function isAlive(pid: number): boolean {
  if (pid === 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Makes a whole, checked part the file. */
export async function settle(part: string, target: string): Promise<void> {
  try {
    const handle = await open(part, "r+");
    await handle.sync().finally(() => handle.close());
    await rename(part, target);
  } catch (cause) {
    throw cacheError(target, cause);
  }
}

/** Keeps a file that is not what it should be out of the way, under another name; returns that name, or undefined if it could not. */
export async function setFileAside(file: string): Promise<string | undefined> {
  const aside = `${file}.rejected`;
  return rename(file, aside).then(
    () => aside,
    () => undefined,
  );
}

/**
 * What a file without a SHA-256 has that a data set's file has not; undefined if it may be one. Archives must have the files of a data set,
 * text must be triples.
 */
export async function faultOf(path: string, signal: AbortSignal | undefined): Promise<MuldeError | undefined> {
  try {
    if (/\.(tar|tar\.gz|tgz)$/.test(path.replace(PART, ""))) await findSplits(await openArchive(path, { signal }));
    else {
      const builder = new TripleBuilder();
      await readDelimited(builder, fileSource(path), "hrt", "\t", signal);
      refuseEmpty(builder, path);
    }
    return undefined;
  } catch (error) {
    if (error instanceof MuldeError && error.code !== "DATA_UNREADABLE" && error.code !== "DATA_NOT_FOUND")
      return error;
    throw error;
  }
}

/** The SHA-256 of a file in hex. */
export async function sha256(path: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(path), hash, { signal });
  } catch (cause) {
    signal?.throwIfAborted();
    throw cacheError(path, cause, "read");
  }
  return hash.digest("hex");
}

/** A failure of the cache's disk, with the way out. */
export function cacheError(path: string, cause: unknown, action: "read" | "written" = "written"): MuldeError {
  // The file that a part is to become means more to the user than its own name.
  const file = path.replace(PART, "");
  const { reason } = fileError("DATA_CACHE", action, file, cause);
  return new MuldeError("DATA_CACHE", `${reason} XDG_CACHE_HOME or cacheDir says where the cache is.`, { file, cause });
}
