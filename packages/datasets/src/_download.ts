import { open, readFile, rm, stat, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { MuldeError } from "@mulde/errors";
import { cacheError, etagFile, removePart } from "./_cache.js";
import { Passing, passing, request } from "./_request.js";

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
  /** The most bytes that the file can have. */
  readonly limit?: number | undefined;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** How long the server has for each `LEAST` bytes. Default `PATIENCE_MS`. */
  readonly patience?: number | undefined;
}

// Five attempts in a row without a new byte, with doubling pauses from a quarter second, four seconds in all: longer than a hiccup, shorter
// than a user's patience.
const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 250;

// A server must send 32 KiB in each half minute, all attempts together, which a modem of 9600 bit/s does. Less is a server that is dead or
// wears down its clients.
const PATIENCE_MS = 30_000;
const LEAST = 1 << 15;

/**
 * Downloads into `part`. It continues after the bytes that are there (HTTP Range; If-Range ensures the same version) and tries again after
 * temporary failures, as long as new bytes arrive. The bytes that arrived stay for the next call, and the ETag stays in `part` + ".etag".
 * @throws MuldeError DATA_DOWNLOAD that names the URL; DATA_CACHE that names the file if it cannot be written; the signal's reason if it is
 * aborted.
 */
export async function download(url: string, part: string, options: DownloadOptions): Promise<void> {
  const patience = new Patience(options.patience ?? PATIENCE_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, patience.signal]) : patience.signal;
  const run = { ...options, signal };
  // How much of the file arrived, whichever attempt brought it.
  let most = 0;
  try {
    for (let failed = 0; ;) {
      signal.throwIfAborted();
      const before = most;
      try {
        await downloadOnce(url, part, run, (received, arrived) => {
          patience.feed(arrived);
          most = Math.max(most, received);
        });
        await rm(etagFile(part), { force: true });
        return;
      } catch (cause) {
        signal.throwIfAborted();
        if (cause instanceof Error && "syscall" in cause) throw cacheError(part, cause);
        if (!(cause instanceof Passing)) throw cause;
        failed = most > before ? 1 : failed + 1;
        if (failed === ATTEMPTS)
          throw failure(url, `the download failed in ${ATTEMPTS} attempts (${cause.message})`, cause);
      }
      await sleep(FIRST_PAUSE_MS * 2 ** (failed - 1), undefined, { signal }).catch(() => undefined);
    }
  } catch (error) {
    // The caller's own reason comes first.
    options.signal?.throwIfAborted();
    if (!patience.signal.aborted || error instanceof MuldeError) throw error;
    const least = `${LEAST / 1024} KiB arrived in ${patience.seconds} s`;
    throw failure(url, `the server is silent or too slow (less than ${least})`, error);
  } finally {
    patience.end();
  }
}

/** Ends a download whose bytes come too slowly, over all its attempts. */
class Patience {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly seconds: number;
  #fed = 0;

  constructor(ms: number) {
    this.seconds = ms / 1000;
    this.#timer = setTimeout(() => {
      this.#controller.abort();
    }, ms);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Tells of bytes that arrived. */
  feed(bytes: number): void {
    this.#fed += bytes;
    if (this.#fed < LEAST) return;
    this.#fed = 0;
    this.#timer.refresh();
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

async function downloadOnce(
  url: string,
  part: string,
  options: DownloadOptions,
  onBytes: (received: number, arrived: number) => void,
): Promise<void> {
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
  const response = await request(url, headers, options.signal);
  const start = await startOf(response, part, from);
  await rememberEtag(response, part);
  const length = response.headers.get("content-length");
  const total = length !== null && /^\d+$/.test(length) ? start + Number(length) : undefined;
  const limit = options.limit ?? Infinity;
  if (total !== undefined && total > limit) await tooLarge(url, part, response, limit);
  const received = await append(response, part, start, async (received, arrived) => {
    if (received > limit) await tooLarge(url, part, response, limit);
    onBytes(received, arrived);
    options.onProgress?.({ url, received, total });
  });
  if (total !== undefined && received !== total) throw new Passing(`${received} of ${total} bytes arrived`);
  // A server that knows the range it sends knows the size too.
  const size = Number(/\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1] ?? received);
  if (received !== size) throw new Passing(`${received} of ${size} bytes arrived`);
}

/** The position in the file where the response's body belongs. */
async function startOf(response: Response, part: string, from: number): Promise<number> {
  const { status } = response;
  if (status === 200) return 0;
  const range = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1];
  if (status === 206 && Number(range) === from) return from;
  await response.body?.cancel();
  // The bytes that are there do not fit the server's file, so the next attempt starts from 0.
  await removePart(part);
  throw new Passing(`the server answered ${status} to a resumed download`);
}

/** Writes the body from `start` on; returns the file's size. */
async function append(
  response: Response,
  part: string,
  start: number,
  onBytes: (received: number, arrived: number) => Promise<void>,
): Promise<number> {
  const file = await open(part, start > 0 ? "r+" : "w");
  let at = start;
  try {
    await file.truncate(start);
    const reader = response.body?.getReader();
    for (;;) {
      const { value } = (await reader?.read().catch(passing)) ?? {};
      if (value === undefined) break;
      for (let done = 0; done < value.length;) {
        const { bytesWritten } = await file.write(value, done, value.length - done, at);
        done += bytesWritten;
        at += bytesWritten;
      }
      await onBytes(at, value.length);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return at;
}

async function tooLarge(url: string, part: string, response: Response, limit: number): Promise<never> {
  await response.body?.cancel().catch(() => undefined);
  await removePart(part);
  const what = `the server sends more than ${limit} bytes, which is more than the data set can have`;
  throw new MuldeError("DATA_DOWNLOAD", `${what}; use another mirror (MULDE_DATASETS_MIRROR).`, { file: url });
}

async function rememberEtag(response: Response, part: string): Promise<void> {
  const etag = response.headers.get("etag");
  // If-Range allows strong ETags only.
  if (etag?.startsWith('"')) await writeFile(etagFile(part), etag);
  else await rm(etagFile(part), { force: true });
}

function failure(url: string, what: string, cause: unknown): MuldeError {
  return new MuldeError(
    "DATA_DOWNLOAD",
    `${what}; check the network, or set MULDE_DATASETS_MIRROR to a directory or URL that has the file. ` +
      `The next call continues with the bytes that arrived.`,
    { file: url, cause },
  );
}
