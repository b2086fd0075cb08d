import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { copyFile, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import type { DownloadProgress } from "./_download.js";
import { download } from "./_download.js";
import { MuldeError } from "@mulde/errors";
import type { DatasetFile, DatasetInfo } from "./registry.js";
import { datasetInfo } from "./registry.js";

/** Where a data set's files are kept and come from. */
export interface FetchOptions {
  /** Where downloads are kept: by default `$XDG_CACHE_HOME/mulde/datasets`, else `~/.cache/mulde/datasets`. */
  readonly cacheDir?: string | undefined;
  /** A directory or URL that holds the files, used instead of the internet. Default: `MULDE_DATASETS_MIRROR`. */
  readonly mirror?: string | undefined;
  /** Never use the network: only the cache and a mirror directory. */
  readonly offline?: boolean | undefined;
  /** Called as bytes arrive. */
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Stops a download; what has arrived is kept, and the next call goes on from there. */
  readonly signal?: AbortSignal | undefined;
}

/** A data set's files on this machine, checked. */
export interface FetchedDataset {
  readonly info: DatasetInfo;
  /** The data set's folder in the cache. */
  readonly directory: string;
  /** The files, in the order of `info.files`. */
  readonly files: readonly string[];
  /** The size of the files together, in bytes. */
  readonly bytes: number;
}

/**
 * Sees to it that a registered data set's files are in the cache, and checks those whose SHA-256 is known, also the cached
 * ones. Does not read them as triples; `loadDataset` does both.
 * @throws MuldeError DATA_UNKNOWN_DATASET, DATA_OFFLINE, DATA_DOWNLOAD, DATA_CHECKSUM, DATA_NOT_IN_MIRROR, DATA_CACHE.
 */
export async function fetchDataset(name: string, options: FetchOptions = {}): Promise<FetchedDataset> {
  const info = datasetInfo(name);
  const directory = join(options.cacheDir ?? defaultCacheDir(), info.name.toLowerCase());
  const files: string[] = [];
  let bytes = 0;
  for (const file of info.files) {
    options.signal?.throwIfAborted();
    const target = join(directory, file.name.split("/").at(-1)!);
    await fetchFile(file, target, options);
    files.push(target);
    bytes += (await stat(target)).size;
  }
  return { info, directory, files, bytes };
}

/** The directory downloads are kept in when none is given. */
export function defaultCacheDir(): string {
  const xdg = process.env["XDG_CACHE_HOME"];
  // The XDG specification has relative paths ignored.
  const root = xdg !== undefined && isAbsolute(xdg) ? xdg : join(homedir(), ".cache");
  return join(root, "mulde", "datasets");
}

async function fetchFile(file: DatasetFile, target: string, options: FetchOptions): Promise<void> {
  if (await isThere(target)) {
    if (file.sha256 === undefined || (await sha256(target)) === file.sha256) return;
    // Damaged since it was fetched.
    await rm(target);
  }
  try {
    await mkdir(dirname(target), { recursive: true });
  } catch (cause) {
    const message = `The cache directory ${dirname(target)} cannot be made; set XDG_CACHE_HOME or cacheDir to one that can.`;
    throw new MuldeError("DATA_CACHE", message, { cause });
  }
  const part = `${target}.part`;
  const mirror = options.mirror ?? (process.env["MULDE_DATASETS_MIRROR"] || undefined);
  if (mirror !== undefined && !/^https?:/i.test(mirror)) {
    await copyFromMirror(file, mirror, part);
  } else {
    const url = mirror === undefined ? file.url : `${mirror.replace(/\/+$/, "")}/${file.name}`;
    if (options.offline === true) {
      throw new MuldeError(
        "DATA_OFFLINE",
        `${file.name} is not in the cache (${dirname(target)}) and downloads are switched off; put it there, ` +
          `or set MULDE_DATASETS_MIRROR to a directory that holds it.`,
      );
    }
    // Without a checksum nothing would show that two halves are of different versions.
    await download(url, part, { resumeBlindly: file.sha256 !== undefined, ...pick(options) });
  }
  await settle(file, part, target);
}

/** Checks a finished `.part` file and gives it its name. */
async function settle(file: DatasetFile, part: string, target: string): Promise<void> {
  if (file.sha256 !== undefined) {
    const found = await sha256(part);
    if (found !== file.sha256) {
      await rm(part, { force: true });
      throw new MuldeError(
        "DATA_CHECKSUM",
        `${file.name} has the SHA-256 ${found} instead of ${file.sha256} and was removed; fetch it again or use another mirror.`,
      );
    }
  }
  const handle = await open(part, "r+");
  await handle.sync();
  await handle.close();
  await rename(part, target);
}

async function copyFromMirror(file: DatasetFile, mirror: string, part: string): Promise<void> {
  const directory = mirror.startsWith("file:") ? fileURLToPath(mirror) : resolve(mirror);
  const source = join(directory, ...file.name.split("/"));
  try {
    await copyFile(source, part);
  } catch (cause) {
    await rm(part, { force: true });
    throw new MuldeError(
      "DATA_NOT_IN_MIRROR",
      `The mirror has no readable ${source}; put the file there (it comes from ${file.url}) or unset MULDE_DATASETS_MIRROR.`,
      { cause },
    );
  }
}

function pick({ onProgress, signal }: FetchOptions): Pick<FetchOptions, "onProgress" | "signal"> {
  return { onProgress, signal };
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
