import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { copyFile, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { MuldeError } from "@mulde/errors";
import type { DownloadProgress } from "./_download.js";
import { download } from "./_download.js";
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

/**
 * Puts a registered data set's files into the cache if they are not there. It checks files with a known SHA-256, cached ones too, but does not
 * read their triples; `loadDataset` does both.
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

/** The default directory for downloads. */
export function defaultCacheDir(): string {
  const xdg = process.env.XDG_CACHE_HOME;
  // The XDG specification says to ignore relative paths.
  const root = xdg !== undefined && isAbsolute(xdg) ? xdg : join(homedir(), ".cache");
  return join(root, "mulde", "datasets");
}

async function fetchFile(file: DatasetFile, target: string, options: FetchOptions): Promise<void> {
  if (await isThere(target)) {
    if (file.sha256 === undefined || (await sha256(target)) === file.sha256) return;
    // Damaged since the download.
    await rm(target);
  }
  try {
    await mkdir(dirname(target), { recursive: true });
  } catch (cause) {
    const reason = "the cache directory cannot be created; set XDG_CACHE_HOME or cacheDir to a writable one.";
    throw new MuldeError("DATA_CACHE", reason, { file: dirname(target), cause });
  }
  const part = `${target}.part`;
  const environment = process.env.MULDE_DATASETS_MIRROR;
  const mirror = options.mirror ?? (environment === "" ? undefined : environment);
  if (mirror !== undefined && !/^https?:/i.test(mirror)) {
    await copyFromMirror(file, mirror, part);
  } else {
    const url = mirror === undefined ? file.url : `${mirror.replace(/\/+$/, "")}/${file.name}`;
    if (options.offline === true) {
      throw new MuldeError(
        "DATA_OFFLINE",
        `${file.name} is not in the cache (${dirname(target)}), and downloads are off; put it there, ` +
          `or set MULDE_DATASETS_MIRROR to a directory that has it.`,
      );
    }
    // Without a checksum, nothing would reveal that the two halves are from different versions.
    await download(url, part, { resumeBlindly: file.sha256 !== undefined, ...pick(options) });
  }
  await settle(file, part, target);
}

/** Checks a complete `.part` file and renames it. */
async function settle(file: DatasetFile, part: string, target: string): Promise<void> {
  if (file.sha256 !== undefined) {
    const found = await sha256(part);
    if (found !== file.sha256) {
      await rm(part, { force: true });
      throw new MuldeError(
        "DATA_CHECKSUM",
        `${file.name} has the SHA-256 ${found} instead of ${file.sha256}, so it was removed; fetch it again, or use another mirror.`,
        { value: found },
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
      `the mirror has no such file; put it there (from ${file.url}), or unset MULDE_DATASETS_MIRROR.`,
      { file: source, cause },
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
