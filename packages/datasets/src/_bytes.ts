import { setImmediate } from "node:timers/promises";
import { formatOf, GZIP, HEAD, refuseFormats } from "./_formats.js";
import { gunzip } from "./_gunzip.js";
import type { Source } from "./_source.js";

/**
 * The text of a source in chunks. It unpacks gzip, whatever the name. Between chunks the event loop turns, so that signals are heard.
 * @throws MuldeError DATA_NOT_FOUND, DATA_UNREADABLE, DATA_BAD_GZIP, DATA_BOMB, or DATA_FORMAT for bytes that are not text, all of which
 * name the source; the signal's reason.
 */
export async function* readBytes(source: Source, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  for await (const { chunk, isHead } of withHead(unpack(source))) {
    if (isHead) refuseFormats(source.name, chunk);
    yield chunk;
    await setImmediate();
    signal?.throwIfAborted();
  }
}

/** The bytes of a source, unpacked if they start with gzip's magic bytes. */
export async function* unpack(source: Source): AsyncGenerator<Buffer> {
  const chunks = source.chunks();
  try {
    const head = await startOf(chunks);
    const whole = joined(head, chunks);
    if (formatOf(head)?.name !== GZIP) yield* whole;
    else {
      yield* gunzip(source.name, whole, (bytes, used) => {
        source.unpacked(bytes, used);
      });
    }
  } finally {
    await chunks.return(undefined);
  }
}

/** Chunks whose first one has all of the first `HEAD` bytes that there are. */
export async function* withHead(
  chunks: AsyncGenerator<Buffer>,
): AsyncGenerator<{ readonly chunk: Buffer; readonly isHead: boolean }> {
  try {
    const head = await startOf(chunks);
    if (head.length > 0) yield { chunk: head, isHead: true };
    for await (const chunk of chunks) yield { chunk, isHead: false };
  } finally {
    await chunks.return(undefined);
  }
}

/** The first chunks as one of at least `HEAD` bytes, or all there are. */
async function startOf(chunks: AsyncGenerator<Buffer>): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < HEAD) {
    const next = await chunks.next();
    if (next.done === true) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  return head;
}

async function* joined(head: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head;
  yield* rest;
}
