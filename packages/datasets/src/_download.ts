import { open, readFile, rm, stat, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { MuldeError } from "@mulde/errors";

/** How far a download is. */
export interface DownloadProgress {
  readonly url: string;
  /** Bytes on disk, those of earlier attempts included. */
  readonly received: number;
  /** Bytes of the whole file, where the server says so. */
  readonly total: number | undefined;
}

export interface DownloadOptions {
  /** Whether to resume without an ETag to hold the server to: only sound when a checksum follows. */
  readonly resumeBlindly: boolean;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

// Five attempts with pauses of a quarter second, doubling: four seconds in all outlast a hiccup, not a person's patience.
const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 250;

// A server that sends nothing for this long is taken for dead.
const STALL_MS = 30_000;

// Worth another attempt: timeouts, too many requests, and the server's own failures.
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

class Passing extends Error {}

/**
 * Downloads into `part`, going on from the bytes that are there (HTTP Range, held to the same version by If-Range), and
 * trying again after passing failures. What has arrived stays for the next call; so does the ETag, in `part` + ".etag".
 * @throws MuldeError DATA_DOWNLOAD naming the URL; the signal's reason when it is aborted.
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
        throw new MuldeError("DATA_DOWNLOAD", `${part} cannot be written (${reason(cause)}).`, { cause });
      }
      if (attempt === ATTEMPTS) {
        const message =
          `${url} could not be downloaded in ${ATTEMPTS} attempts (${cause.message}); check the network, ` +
          `or set MULDE_DATASETS_MIRROR to a directory or URL that has the file. What arrived is kept and resumed.`;
        throw new MuldeError("DATA_DOWNLOAD", message, { cause });
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
    // Ranges count the bytes as sent, so no transfer compression.
    const headers: Record<string, string> = { "accept-encoding": "identity" };
    if (from > 0) headers["range"] = `bytes=${from}-`;
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

/** Where in the file the response's body belongs. */
async function startOf(response: Response, url: string, part: string, from: number): Promise<number> {
  const { status } = response;
  if (status === 200) return 0;
  const range = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1];
  if (status === 206 && Number(range) === from) return from;
  await response.body?.cancel();
  if (status === 206 || status === 416) {
    // The bytes that are there do not fit what the server has: the next attempt starts afresh.
    await rm(part, { force: true });
    await rm(etagFile(part), { force: true });
    throw new Passing(`the server answered ${status} to a resumed download`);
  }
  if (PASSING.has(status)) throw new Passing(`the server answered ${status}`);
  throw new MuldeError(
    "DATA_DOWNLOAD",
    `${url} could not be downloaded: the server answered ${status} ${response.statusText}; ` +
      `set MULDE_DATASETS_MIRROR to a directory or URL that has the file.`,
  );
}

/** Writes the body from `start` on and answers the file's size. */
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

/** Marks the network's failures as worth another attempt; those of the disk are not. */
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
  // If-Range takes strong ETags alone.
  if (etag?.startsWith('"')) await writeFile(etagFile(part), etag);
  else await rm(etagFile(part), { force: true });
}

function etagFile(part: string): string {
  return `${part}.etag`;
}

/** The innermost message: fetch hides what happened behind "fetch failed". */
function reason(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  return inner instanceof Error ? inner.message : String(inner);
}
