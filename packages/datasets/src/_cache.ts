import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readdir, rename, rm, stat } from "node:fs/promises";
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

/** The parts that this process writes at present. */
const active = new Set<string>();
let parts = 0;

/**
 * A file for a download to grow in, which no other download writes to. It takes over what a dead process or an earlier call left, with its
 * ETag, and removes further left-overs. Call `releasePart` at the end.
 */
export async function claimPart(target: string): Promise<string> {
  const part = `${target}.${process.pid}-${++parts}.part`;
  active.add(part);
  for (const old of await abandonedParts(target)) {
    const taken = await rename(old, part).then(
      () => true,
      () => false,
    );
    if (!taken) continue;
    await rename(etagFile(old), etagFile(part)).catch(() => undefined);
    break;
  }
  for (const old of await abandonedParts(target)) await removePart(old);
  return part;
}

/** Lets others take over a part, if it is still there. */
export function releasePart(part: string): void {
  active.delete(part);
}

/** Removes a part and its ETag. */
export async function removePart(part: string): Promise<void> {
  await rm(part, { force: true });
  await rm(etagFile(part), { force: true });
}

/** Where the ETag of a part is kept. */
export function etagFile(part: string): string {
  return `${part}.etag`;
}

/** The parts of a file that nobody writes to, the largest first. */
async function abandonedParts(target: string): Promise<string[]> {
  const directory = dirname(target);
  const found: { readonly path: string; readonly size: number }[] = [];
  for (const name of await readdir(directory)) {
    if (!name.startsWith(`${basename(target)}.`)) continue;
    const [, end = "", pid] = /(\.(\d+)-\d+\.part)(\.etag)?$/.exec(name) ?? [];
    const path = join(directory, basename(target) + end);
    if (pid === undefined || active.has(path)) continue;
    const { size = 0, mtimeMs = 0 } = (await stat(path).catch(() => undefined)) ?? {};
    if (Date.now() - mtimeMs > ABANDONED_MS || !isAlive(Number(pid))) found.push({ path, size });
  }
  return found.sort((a, b) => b.size - a.size).map(({ path }) => path);
}

function isAlive(pid: number): boolean {
  // Parts of this process that are not active are done with.
  if (pid === process.pid) return false;
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
    if (/\.(tar|tar\.gz|tgz)(\.\d+-\d+\.part)?$/.test(path)) await findSplits(await openArchive(path, { signal }));
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
export function cacheError(file: string, cause: unknown, action: "read" | "written" = "written"): MuldeError {
  const { reason } = fileError("DATA_CACHE", action, file, cause);
  return new MuldeError("DATA_CACHE", `${reason} XDG_CACHE_HOME or cacheDir says where the cache is.`, { file, cause });
}
