import { open, readFile, rm, stat, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { MuldeError } from "@mulde/errors";

/** The progress of a download. */
export interface DownloadProgress {
  readonly url: string;
  /** Bytes on disk, including those of earlier attempts. */
  readonly received: number;
  /** Bytes of the whole file, if the server states them. */
  readonly total: number | undefined;
}

export interface DownloadOptions {
  /** Whether to resume even without an ETag that ties both halves to one version. Only safe if a checksum follows. */
  readonly resumeBlindly: boolean;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

// Five attempts with doubling pauses from a quarter second, four seconds in all: longer than a hiccup, shorter than a user's patience.
const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 250;

// A server that sends nothing for this long counts as dead.
const STALL_MS = 30_000;

// Status codes that are worth another attempt: timeouts, too many requests, server failures.
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

class Passing extends Error {}

/**
 * Downloads into `part`. It continues after the bytes that are there (HTTP Range; If-Range ensures the same version) and tries again after
 * temporary failures. The bytes that arrived stay for the next call, and the ETag stays in `part` + ".etag".
 * @throws MuldeError DATA_DOWNLOAD that names the URL; the signal's reason if it is aborted.
 */
export async function download(url: string, part: string, options: DownloadOptions): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    options.signal?.throwIfAborted();
    try {
      await downloadOnce(url, part, options);
      await rm(etagFile(part), { force: true });
      return;
    } catch (cause) {
      options.signal?.throwIfAborted();
      if (cause instanceof MuldeError) throw cause;
      if (!(cause instanceof Passing)) {
        throw new MuldeError(
          "DATA_DOWNLOAD",
          `the download cannot be written (${reason(cause)}); check the free space.`,
          {
            file: part,
            cause,
          },
        );
      }
      if (attempt === ATTEMPTS) {
        throw new MuldeError(
          "DATA_DOWNLOAD",
          `the download failed in ${ATTEMPTS} attempts (${cause.message}); check the network, or set MULDE_DATASETS_MIRROR to a ` +
            `directory or URL that has the file. The next call continues with the bytes that arrived.`,
          { file: url, cause },
        );
      }
    }
    await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1), undefined, options.signal && { signal: options.signal });
  }
}

async function downloadOnce(url: string, part: string, options: DownloadOptions): Promise<void> {
  const stalled = new AbortController();
  const timer = setTimeout(() => {
    stalled.abort(new Error(`nothing arrived for ${STALL_MS / 1000} s`));
  }, STALL_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, stalled.signal]) : stalled.signal;
  try {
    const etag = await readFile(etagFile(part), "utf8").catch(() => undefined);
    const there = await stat(part).then(
      ({ size }) => size,
      () => 0,
    );
    const from = etag !== undefined || options.resumeBlindly ? there : 0;
    // Ranges count bytes as sent, so the server must not compress them.
    const headers: Record<string, string> = { "accept-encoding": "identity" };
    if (from > 0) headers.range = `bytes=${from}-`;
    if (from > 0 && etag !== undefined) headers["if-range"] = etag;
    const response = await passing(fetch(url, { headers, signal }));
    const start = await startOf(response, url, part, from);
    await rememberEtag(response, part);
    const length = response.headers.get("content-length");
    const total = length === null ? undefined : start + Number(length);
    const received = await append(response, part, start, (received) => {
      timer.refresh();
      options.onProgress?.({ url, received, total });
    });
    if (total !== undefined && received !== total) throw new Passing(`${received} of ${total} bytes arrived`);
  } finally {
    clearTimeout(timer);
  }
}

/** The position in the file where the response's body belongs. */
async function startOf(response: Response, url: string, part: string, from: number): Promise<number> {
  const { status } = response;
  if (status === 200) return 0;
  const range = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1];
  if (status === 206 && Number(range) === from) return from;
  await response.body?.cancel();
  if (status === 206 || status === 416) {
    // The bytes that are there do not fit the server's file, so the next attempt starts from 0.
    await rm(part, { force: true });
    await rm(etagFile(part), { force: true });
    throw new Passing(`the server answered ${status} to a resumed download`);
  }
  if (PASSING.has(status)) throw new Passing(`the server answered ${status}`);
  throw new MuldeError(
    "DATA_DOWNLOAD",
    `the server answered ${status} ${response.statusText}; set MULDE_DATASETS_MIRROR to a directory or URL that has the file.`,
    { file: url, value: status },
  );
}

/** Writes the body from `start` on; returns the file's size. */
async function append(
  response: Response,
  part: string,
  start: number,
  onBytes: (received: number) => void,
): Promise<number> {
  const file = await open(part, start > 0 ? "r+" : "w");
  let at = start;
  try {
    await file.truncate(start);
    const reader = response.body?.getReader();
    for (;;) {
      const { value } = (await passing(reader?.read())) ?? {};
      if (value === undefined) break;
      for (let done = 0; done < value.length;) {
        const { bytesWritten } = await file.write(value, done, value.length - done, at);
        done += bytesWritten;
        at += bytesWritten;
      }
      onBytes(at);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return at;
}

/** Marks failures of the network as worth another attempt. Failures of the disk are not. */
async function passing<T>(promise: Promise<T>): Promise<T>;
async function passing<T>(promise: Promise<T> | undefined): Promise<T | undefined>;
async function passing<T>(promise: Promise<T> | undefined): Promise<T | undefined> {
  try {
    return await promise;
  } catch (cause) {
    throw new Passing(reason(cause), { cause });
  }
}

async function rememberEtag(response: Response, part: string): Promise<void> {
  const etag = response.headers.get("etag");
  // If-Range allows strong ETags only.
  if (etag?.startsWith('"')) await writeFile(etagFile(part), etag);
  else await rm(etagFile(part), { force: true });
}

function etagFile(part: string): string {
  return `${part}.etag`;
}

/** The innermost message: `fetch` hides the cause behind "fetch failed". */
function reason(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  return inner instanceof Error ? inner.message : String(inner);
}
