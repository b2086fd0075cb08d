/** Safetensors files of any size: written and read in pieces, never held whole. */
import { fileError } from "@mulde/errors";
import { openRegular } from "./_disk-file.js";
import { type Layout, layOut } from "./_safetensors-layout.js";
import { digitsAt, noDigits, readSafetensors, type SafetensorsFile } from "./_safetensors-reader.js";
import type { SafetensorsInput } from "./_safetensors-values.js";
import { replaceWhole, writeFlushed } from "./whole-file.js";

/** How `writeSafetensors` writes. */
export interface WriteSafetensorsOptions {
  /**
   * Adds a `checksum` to the metadata: the SHA-256, in hex digits, of the whole file in which these digits are zeros. `verify` of
   * `openSafetensors` checks it.
   */
  readonly checksum?: boolean;
}

/**
 * Writes named tensors to a file that appears whole or not at all: an old one stays until the new one is on the disk. The bytes are
 * those of `encodeSafetensors`.
 *
 * @param tensors - By name; typed arrays over shared memory are allowed. They must not change meanwhile.
 * @param metadata - Strings for the header.
 * @throws MuldeError SAFETENSORS_WRITE with the file and what is wrong, and what `encodeSafetensors` throws
 */
export async function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, SafetensorsInput>>,
  metadata?: Readonly<Record<string, string>>,
  { checksum = false }: WriteSafetensorsOptions = {},
): Promise<void> {
  const layout = layOut(tensors, checksum ? { checksum: noDigits, ...metadata } : metadata);
  const seal = (text: string): { position: number; text: string } => ({
    position: digitsAt(layout.header, noDigits),
    text,
  });
  try {
    await replaceWhole(path, (temporary) => writeFlushed(temporary, bytesOf(layout), checksum ? seal : undefined));
  } catch (cause) {
    throw fileError("SAFETENSORS_WRITE", "written", path, cause);
  }
}

/** The bytes of a file, from its layout. */
export function* bytesOf({ header, data }: Layout): Generator<Uint8Array> {
  yield header;
  for (const { buffer, byteOffset, byteLength } of data) yield new Uint8Array(buffer, byteOffset, byteLength);
}

/**
 * Opens a safetensors file and checks its header against the file's size, as `decodeSafetensors` does. No values are read before you ask
 * for them.
 *
 * @throws MuldeError SAFETENSORS_READ if the file cannot be read; SAFETENSORS_HEADER, SAFETENSORS_TRUNCATED, SAFETENSORS_SHAPE or
 *   SAFETENSORS_OFFSETS if it is malformed
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const file = await openRegular(path, { absent: "SAFETENSORS_READ", unreadable: "SAFETENSORS_READ" });
  try {
    return await readSafetensors(file);
  } catch (error) {
    await file.close();
    throw error;
  }
}
