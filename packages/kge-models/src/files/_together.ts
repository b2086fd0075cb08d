/**
 * Files that count together, though each has its own name: those of a model directory.
 *
 * `saveModel` writes all of them under temporary names and flushes them to the disk. Then it renames `config.json`, which holds the size and the
 * SHA-256 of the others, and then the others. The first rename decides: before it the directory holds the old model, after it the new one. Whoever
 * reads looks for the bytes that `config.json` tells, under the file's name or a temporary one. So a process may be killed at any moment, and no
 * directory is ever read as a mixture of two models. The next save ends what a killed one left undone.
 */
import { fileError } from "@mulde/errors";
import { node } from "../_node.js";
import { openRegular, type ReadCodes } from "./_disk-file.js";
import { type Digest, type Digests, hasDigest, type OpenFile } from "./_reading.js";
import {
  flushDirectory,
  isOver,
  removeStale,
  temporariesOf,
  temporaryName,
  writeFlushed,
  makeDirectories,
} from "./whole-file.js";

/** A file to write. */
export interface Content {
  readonly name: string;
  readonly pieces: () => Iterable<Uint8Array>;
}

/** The file that makes the others count. */
export interface Marker {
  readonly name: string;
  /** Its bytes, which hold the digests of the others. */
  readonly content: (digests: Digests) => Iterable<Uint8Array>;
  /** The digests in the marker of a directory; none if it is missing or cannot be understood. */
  readonly digests: (path: string) => Promise<Digests>;
}

/**
 * Writes files that count together; those that were there before stay whole until the new ones are on the disk.
 *
 * @throws MuldeError of the code given, with the file and what is wrong
 */
export async function writeTogether(
  code: string,
  directory: string,
  contents: readonly Content[],
  marker: Marker,
): Promise<void> {
  const { rename, rm } = node("fs/promises");
  const orFail = failingWith(code);
  const path = (name: string): string => node("path").join(directory, name);
  const markerPath = path(marker.name);
  await orFail(directory, Promise.resolve(directory).then(makeDirectories));
  await endInterrupted(code, directory, contents, marker);
  // To rename onto a directory fails, so that must be known before the first rename.
  for (const { name } of [...contents, marker]) await orFail(path(name), refuseDirectory(path(name)));
  try {
    const digests: Record<string, Digest> = {};
    for (const { name, pieces } of contents) {
      digests[name] = await orFail(path(name), writeFlushed(temporaryName(path(name)), pieces()));
    }
    await orFail(markerPath, writeFlushed(temporaryName(markerPath), marker.content(digests)));
    await flushDirectory(directory);
    await orFail(markerPath, rename(temporaryName(markerPath), markerPath));
  } catch (error) {
    // The first error is the one to report, whatever happens here.
    await Promise.allSettled([...contents, marker].map(({ name }) => rm(temporaryName(path(name)), { force: true })));
    throw error;
  }
  // From here on the temporary files are the new model: they stay, even if a rename fails.
  await flushDirectory(directory);
  for (const { name } of contents) await orFail(path(name), rename(temporaryName(path(name)), path(name)));
  await flushDirectory(directory);
}

/**
 * Opens the file whose digest is known: under its name, or under a temporary one if a save was killed before its renames.
 *
 * @returns The file, and whether it has the digest. If no file has, it is the one with the name.
 */
export async function openTogether(
  path: string,
  digest: Digest | undefined,
  codes: ReadCodes,
): Promise<{ readonly file: OpenFile; readonly intact: boolean }> {
  if (digest !== undefined) {
    // The name once more at the end: a save may just have renamed the temporary file.
    for (const candidate of [path, ...(await temporariesOf(path)).map((temporary) => temporary.path), path]) {
      const file = await openRegular(candidate, codes).catch(() => undefined);
      if (!file) continue;
      try {
        if (await hasDigest(file, digest)) return { file, intact: true };
      } catch (error) {
        await file.close();
        throw error;
      }
      await file.close();
    }
  }
  return { file: await openRegular(path, codes), intact: digest === undefined };
}

/**
 * Gives files their names whose writer was killed after it had renamed the marker, and removes other temporary files of dead writers.
 *
 * @throws MuldeError of the code given, with the file and what is wrong
 */
export async function endInterrupted(
  code: string,
  directory: string,
  contents: readonly Pick<Content, "name">[],
  marker: Pick<Marker, "name" | "digests">,
): Promise<void> {
  const { rename } = node("fs/promises");
  const orFail = failingWith(code);
  let digests: Digests | undefined;
  for (const { name } of contents) {
    const path = node("path").join(directory, name);
    const left = (await temporariesOf(path)).filter(({ pid }) => isOver(pid));
    if (left.length === 0) continue;
    digests ??= await marker.digests(node("path").join(directory, marker.name));
    const digest = Object.hasOwn(digests, name) ? digests[name] : undefined;
    if (digest !== undefined && !(await fileHasDigest(path, digest))) {
      for (const temporary of left) {
        if (!(await fileHasDigest(temporary.path, digest))) continue;
        await orFail(path, rename(temporary.path, path));
        break;
      }
    }
    await removeStale(path);
  }
  await removeStale(node("path").join(directory, marker.name));
}

/** Turns what the file system throws at a path into an error of a code. */
function failingWith(code: string): <T>(path: string, work: Promise<T>) => Promise<T> {
  return async (path, work) => {
    try {
      return await work;
    } catch (cause) {
      throw fileError(code, "written", path, cause);
    }
  };
}

async function fileHasDigest(path: string, digest: Digest): Promise<boolean> {
  const file = await openRegular(path, { absent: "", unreadable: "" }).catch(() => undefined);
  if (!file) return false;
  try {
    return await hasDigest(file, digest);
  } catch {
    return false;
  } finally {
    await file.close();
  }
}

async function refuseDirectory(path: string): Promise<void> {
  const stats = await node("fs/promises")
    .stat(path)
    .catch(() => undefined);
  if (stats?.isDirectory()) throw Object.assign(new Error("a directory"), { code: "EISDIR" });
}
