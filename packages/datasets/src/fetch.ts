import { access, constants, copyFile, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { MuldeError } from "@mulde/errors";
import { z } from "zod";
import { checkString } from "./_arguments.js";
import {
  cacheError,
  claimPart,
  faultOf,
  makeDirectory,
  releasePart,
  removePart,
  setFileAside,
  settle,
  sha256,
} from "./_cache.js";
import type { DownloadProgress } from "./_download.js";
import { download } from "./_download.js";
import { parseOptions } from "./_options.js";
import type { DatasetFile, DatasetInfo } from "./registry.js";
import { datasetInfo } from "./registry.js";

/** Where to get a data set's files, and where to keep them. */
export interface FetchOptions {
  /** The directory that keeps downloads. Default `$XDG_CACHE_HOME/mulde/datasets`, else `~/.cache/mulde/datasets`. */
  readonly cacheDir?: string | undefined;
  /** A directory or URL to use instead of the internet. Default `MULDE_DATASETS_MIRROR`. */
  readonly mirror?: string | undefined;
  /** Use only the cache and a mirror directory, never the network. */
  readonly offline?: boolean | undefined;
  /** Called as bytes arrive. */
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Stops a download. The next call continues with the bytes that arrived. */
  readonly signal?: AbortSignal | undefined;
}

/** A data set's checked files on this machine. */
export interface FetchedDataset {
  readonly info: DatasetInfo;
  /** The data set's folder in the cache. */
  readonly directory: string;
  /** The files, in the order of `info.files`. */
  readonly files: readonly string[];
  /** The size of all files, in bytes. */
  readonly bytes: number;
}

const path = z
  .string()
  .min(1, "must not be empty")
  .regex(/^[^\0]*$/, "must not have a NUL");

const schema = z.object({
  cacheDir: path.optional(),
  mirror: path.optional(),
  offline: z.boolean().default(false),
  onProgress: z
    .custom<NonNullable<FetchOptions["onProgress"]>>((value) => typeof value === "function", "must be a function")
    .optional(),
  signal: z.instanceof(AbortSignal, { message: "must be an AbortSignal" }).optional(),
});

/** @internal Checks fetch options and fills in their defaults. */
export function parseFetchOptions(options: FetchOptions | undefined): z.output<typeof schema> {
  return parseOptions(schema, options);
}

type Options = ReturnType<typeof parseFetchOptions>;

// A mebibyte for what an archive adds, and a line of 256 bytes for each triple: WN18RR has 36 and FB15k-237 78, before they are packed.
const MOST_OVERHEAD = 2 ** 20;
const MOST_PER_TRIPLE = 256;

/**
 * Puts a registered data set's files into the cache if they are not there. It checks the SHA-256 of files, cached ones too. Without a known
 * SHA-256, an archive must have the files of a data set, and text must be triples; `loadDataset` counts them too.
 *
 * A download gives up if the server sends less than 32 KiB in 30 seconds, or after five attempts in a row without a new byte. The next call
 * continues. Several processes may fetch at once.
 * @throws MuldeError DATA_UNKNOWN_DATASET, DATA_OFFLINE, DATA_DOWNLOAD, DATA_CHECKSUM, DATA_NOT_IN_MIRROR, DATA_CACHE, DATA_BAD_OPTION,
 * DATA_BAD_ARGUMENT; the signal's reason if it is aborted.
 */
export async function fetchDataset(name: string, options: FetchOptions = {}): Promise<FetchedDataset> {
  checkString(name, ["name"]);
  const info = datasetInfo(name);
  const parsed = parseFetchOptions(options);
  const directory = join(parsed.cacheDir ?? defaultCacheDir(), info.name.toLowerCase());
  const files: string[] = [];
  let bytes = 0;
  for (const file of info.files) {
    parsed.signal?.throwIfAborted();
    const target = join(directory, file.name.split("/").at(-1)!);
    bytes += await fetchFile(info, file, target, parsed);
    files.push(target);
  }
  return { info, directory, files, bytes };
}

/**
 * The default directory for downloads.
 * @throws MuldeError DATA_CACHE if the user has no home directory.
 */
export function defaultCacheDir(): string {
  const xdg = process.env.XDG_CACHE_HOME;
  // The XDG specification says to ignore relative paths.
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, "mulde", "datasets");
  const home = homeDirectory();
  if (typeof home === "string" && isAbsolute(home)) return join(home, ".cache", "mulde", "datasets");
  const reason = "There is no home directory for the cache; set XDG_CACHE_HOME to an absolute path, or cacheDir.";
  throw new MuldeError("DATA_CACHE", reason, { cause: home });
}

/** What HOME or the system's list of users says, or why that list says nothing. */
function homeDirectory(): unknown {
  try {
    return homedir();
  } catch (error) {
    return error;
  }
}

/**
 * @internal Moves files out of the cache that turned out not to be the data set; returns their new names. Files with a SHA-256 are what they
 * should be, so they stay.
 */
export async function setAside({ info, files }: FetchedDataset): Promise<string[]> {
  const unknown = files.filter((_, i) => info.files[i]?.sha256 === undefined);
  const aside = await Promise.all(unknown.map(setFileAside));
  return aside.filter((name) => name !== undefined);
}

/** Puts one file into the cache; returns its size. */
async function fetchFile(info: DatasetInfo, file: DatasetFile, target: string, options: Options): Promise<number> {
  const { signal } = options;
  const cached = await sizeOf(target);
  if (cached !== undefined && (await isGood(file, target, signal))) return cached;
  await makeDirectory(dirname(target));
  const part = await claimPart(target);
  try {
    const from = await fill(info, file, part, options);
    await check(file, part, from, signal);
    await settle(part, target);
    return (await sizeOf(target)) ?? 0;
  } finally {
    await releasePart(target, part);
  }
}

/** The size of a file; undefined if there is none. */
async function sizeOf(target: string): Promise<number | undefined> {
  try {
    const found = await stat(target);
    if (found.isFile()) return found.size;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw cacheError(target, cause, "read");
  }
  throw new MuldeError("DATA_CACHE", "this is in the place of the cache's file, but is no file; remove it.", {
    file: target,
  });
}

/** Whether a cached file is what it should be. Otherwise it is no longer there. */
async function isGood(file: DatasetFile, target: string, signal: AbortSignal | undefined): Promise<boolean> {
  if (file.sha256 !== undefined) {
    if ((await sha256(target, signal)) === file.sha256) return true;
    // Damaged since the download.
    await rm(target).catch((cause: unknown) => {
      throw cacheError(target, cause);
    });
    return false;
  }
  if ((await faultOf(target, signal)) === undefined) return true;
  await setFileAside(target);
  return false;
}

/** Gets a file into `part`; returns where it is from. */
async function fill(info: DatasetInfo, file: DatasetFile, part: string, options: Options): Promise<string> {
  const environment = process.env.MULDE_DATASETS_MIRROR;
  const mirror = options.mirror ?? (environment === "" ? undefined : environment);
  if (mirror !== undefined && !/^https?:/i.test(mirror)) return copyFromMirror(file, mirror, part);
  const url = mirror === undefined ? file.url : `${mirror.replace(/\/+$/, "")}/${file.name}`;
  if (options.offline) {
    throw new MuldeError(
      "DATA_OFFLINE",
      `${file.name} is not in the cache (${dirname(part)}), and downloads are off; put it there, ` +
        `or set MULDE_DATASETS_MIRROR to a directory that has it.`,
    );
  }
  // The mirror itself: "http://" and a name is a URL, whose host is that name.
  if (mirror !== undefined && !URL.canParse(mirror)) {
    throw new MuldeError("DATA_BAD_OPTION", "the mirror is no valid URL; correct it, or MULDE_DATASETS_MIRROR.", {
      path: ["mirror"],
      value: mirror,
    });
  }
  const { train, valid, test } = info.counts;
  await download(url, part, {
    // Without a checksum, nothing would reveal that the two halves are from different versions.
    resumeBlindly: file.sha256 !== undefined,
    limit: MOST_OVERHEAD + MOST_PER_TRIPLE * (train + valid + test),
    onProgress: options.onProgress,
    signal: options.signal,
  });
  return url;
}

/** Refuses, and removes, a whole part that is not what it should be. */
async function check(file: DatasetFile, part: string, from: string, signal: AbortSignal | undefined): Promise<void> {
  if (file.sha256 === undefined) {
    const fault = await faultOf(part, signal);
    if (fault === undefined) return;
    await removePart(part);
    const reason = `${file.name} is not what it should be, so it was removed; fetch it again, or use another mirror. ${fault.reason}`;
    throw new MuldeError("DATA_DOWNLOAD", reason, { file: from, cause: fault });
  }
  const found = await sha256(part, signal);
  if (found === file.sha256) return;
  await removePart(part);
  throw new MuldeError(
    "DATA_CHECKSUM",
    `${file.name} has the SHA-256 ${found} instead of ${file.sha256}, so it was removed; fetch it again, or use another mirror.`,
    { value: found },
  );
}

async function copyFromMirror(file: DatasetFile, mirror: string, part: string): Promise<string> {
  const source = join(directoryOf(mirror), ...file.name.split("/"));
  try {
    await access(source, constants.R_OK);
    // Copying a pipe or a device may never end.
    if (!(await stat(source)).isFile()) throw new Error("it is not a file");
  } catch (cause) {
    throw new MuldeError(
      "DATA_NOT_IN_MIRROR",
      `the mirror has no such file; put it there (from ${file.url}), or unset MULDE_DATASETS_MIRROR.`,
      { file: source, cause },
    );
  }
  try {
    await copyFile(source, part);
  } catch (cause) {
    await removePart(part);
    throw cacheError(part, cause);
  }
  return source;
}

function directoryOf(mirror: string): string {
  if (!mirror.startsWith("file:")) return resolve(mirror);
  try {
    return fileURLToPath(mirror);
  } catch (cause) {
    const reason = "the mirror is no valid URL of a local directory; correct it, or MULDE_DATASETS_MIRROR.";
    throw new MuldeError("DATA_BAD_OPTION", reason, { path: ["mirror"], value: mirror, cause });
  }
}
