import type { MuldeError } from "@mulde/errors";
import { node, onNode } from "../_node.js";

/** A file of known size, wherever it is: on a disk or in memory. */
export interface OpenFile {
  /** what errors call it */
  readonly path: string;
  readonly size: number;
  /** Fills an array with the bytes from a position on; throws if there are not so many. */
  fill(bytes: Uint8Array, position: number): Promise<void>;
  close(): Promise<void>;
}

/** Bytes that are read, hashed or written at once: enough for the disk, and little beside any model. */
export const pieceBytes = 4 << 20;

/** Bytes in memory, as a file. */
export function heldFile(path: string, content: Uint8Array | ArrayBuffer): OpenFile {
  const all = content instanceof Uint8Array ? content : new Uint8Array(content);
  return {
    path,
    size: all.length,
    fill(bytes, position) {
      bytes.set(all.subarray(position, position + bytes.length));
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
}

/**
 * Bytes of an open file, in pieces that share one buffer: use each before you ask for the next. They begin at a multiple of 8 in memory.
 *
 * @throws MuldeError of the file's code
 */
export async function* readPieces(
  file: OpenFile,
  position = 0,
  length = file.size - position,
): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(Math.min(length, pieceBytes));
  for (let done = 0; done < length;) {
    const wanted = Math.min(buffer.length, length - done);
    await file.fill(buffer.subarray(0, wanted), position + done);
    yield buffer.subarray(0, wanted);
    done += wanted;
  }
}

/** So many bytes of an open file, in an array of their own. */
export async function bytesAt(file: OpenFile, position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  await file.fill(bytes, position);
  return bytes;
}

/** All of a file as UTF-8, a byte order mark included; throws `refuse(cause)` if it is none. */
export async function textOf(file: OpenFile, refuse: (cause: unknown) => MuldeError): Promise<string> {
  const bytes = await bytesAt(file, 0, file.size);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw refuse(cause);
  }
}

/** How many bytes a file has, and their SHA-256 in hex digits. */
export interface Digest {
  readonly bytes: number;
  readonly sha256: string;
}

/** The digests of files by their names. */
export type Digests = Readonly<Record<string, Digest>>;

/** Whether a file is the one of a digest. A page of an insecure context has no SHA-256: there the size decides. */
export async function hasDigest(file: OpenFile, { bytes, sha256 }: Digest): Promise<boolean> {
  return file.size === bytes && [sha256, undefined].includes(await sha256Of(file));
}

async function sha256Of(file: OpenFile): Promise<string | undefined> {
  if (onNode) {
    // In pieces: a file may be larger than the memory.
    const hash = node("crypto").createHash("sha256");
    for await (const piece of readPieces(file)) hash.update(piece);
    return hash.digest("hex");
  }
  const { subtle } = globalThis.crypto as { readonly subtle?: SubtleCrypto };
  if (!subtle) return undefined;
  const digest = await subtle.digest("SHA-256", await bytesAt(file, 0, file.size));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
