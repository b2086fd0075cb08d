/** Safetensors files of any size: written and read in pieces, never held whole. */
import { createHash } from "node:crypto";
import { fileError, MuldeError } from "@mulde/errors";
import { quoted } from "./_quoted.js";
import { bytesAt, type OpenFile, openRegular, readPieces } from "./_reading.js";
import {
  type Header,
  headerLength,
  type Layout,
  layOut,
  parseHeader,
  prefixBytes,
  product,
} from "./_safetensors-header.js";
import {
  arrayFor,
  bytesPerValue,
  convert,
  convertible,
  fitsInto,
  type SafetensorsInput,
  type SafetensorsValues,
} from "./_safetensors-values.js";
import { replaceWhole, writeFlushed } from "./whole-file.js";

// As long as the hex digits of a SHA-256.
const noDigits = "0".repeat(64);

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
    await file.handle.close();
    throw error;
  }
}

/** The same for a file that is open already. */
export async function readSafetensors(file: OpenFile): Promise<SafetensorsFile> {
  const { path, size } = file;
  const length = headerLength(await bytesAt(file, 0, Math.min(size, prefixBytes)), size, path);
  const json = await bytesAt(file, prefixBytes, length);
  return new SafetensorsFile(file, json, parseHeader(json, size - prefixBytes - length, path));
}

/** A tensor of an open file. */
export interface SafetensorsEntry {
  /** the file's; values can be read of F64, F32, F16, BF16 and I32 */
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** An open safetensors file; `openSafetensors` makes it. */
export class SafetensorsFile {
  readonly metadata: Readonly<Record<string, string>>;
  /** by name, in the order of the data */
  readonly tensors: ReadonlyMap<string, SafetensorsEntry>;
  readonly #file: OpenFile;
  readonly #json: Uint8Array;
  readonly #fields: Header["fields"];

  /** @internal */
  constructor(file: OpenFile, json: Uint8Array, { metadata, fields }: Header) {
    this.metadata = metadata;
    this.tensors = fields;
    this.#file = file;
    this.#json = json;
    this.#fields = fields;
  }

  /**
   * Reads the values of a tensor, in pieces: into your array if you give one, else into a new Float32Array (Int32Array for I32). Give a
   * Float64Array to get an F64 without loss.
   *
   * @throws MuldeError SAFETENSORS_TENSOR if there is no such tensor, SAFETENSORS_DTYPE if its values cannot be converted, SAFETENSORS_SHAPE if
   *   their number is not your array's length, SAFETENSORS_READ or SAFETENSORS_TRUNCATED if reading fails
   */
  async read(name: string): Promise<Float32Array | Int32Array>;
  async read<Values extends SafetensorsValues>(name: string, into: Values): Promise<Values>;
  async read(name: string, into?: SafetensorsValues): Promise<SafetensorsValues> {
    const field = this.#fields.get(name);
    if (!field) {
      throw new MuldeError("SAFETENSORS_TENSOR", `There is no tensor ${quoted(name)}; check its name.`, {
        file: this.#file.path,
        value: name,
      });
    }
    const dtype = convertible(field.dtype, quoted(name), this.#file.path);
    const length = product(field.shape);
    const values = into ?? arrayFor(dtype, length);
    if (!fitsInto(dtype, values)) {
      throw new MuldeError(
        "SAFETENSORS_DTYPE",
        `The tensor ${quoted(name)} is of ${dtype}, which does not go into the array given; give a ${arrayFor(dtype, 0).constructor.name}.`,
        { file: this.#file.path },
      );
    }
    if (values.length !== length) {
      throw new MuldeError(
        "SAFETENSORS_SHAPE",
        `The tensor ${quoted(name)} has ${length} values, but the array given ${values.length}; give one of that length.`,
        { file: this.#file.path },
      );
    }
    let at = 0;
    const begin = prefixBytes + this.#json.length + field.start;
    for await (const piece of readPieces(this.#file, begin, field.end - field.start)) {
      convert(piece, dtype, values, at);
      at += piece.length / bytesPerValue[dtype];
    }
    return values;
  }

  /** Reads the whole file: whether it is what its `checksum` was made of; false without one. */
  async verify(): Promise<boolean> {
    const { checksum } = this.metadata;
    if (checksum?.length !== noDigits.length) return false;
    const header = Buffer.concat([Buffer.alloc(prefixBytes), this.#json]);
    header.writeBigUInt64LE(BigInt(this.#json.length));
    const at = digitsAt(header, checksum);
    if (at < 0) return false;
    header.write(noDigits, at, "latin1");
    const hash = createHash("sha256").update(header);
    for await (const piece of readPieces(this.#file, header.length)) hash.update(piece);
    return hash.digest("hex") === checksum;
  }

  async close(): Promise<void> {
    await this.#file.handle.close();
  }
}

/** Where the digits of a checksum stand in a header. In other strings of the JSON the quotes would be escaped. */
function digitsAt(header: Uint8Array, digits: string): number {
  const before = '"checksum":"';
  const at = Buffer.from(header.buffer, header.byteOffset, header.length).indexOf(`${before}${digits}"`, 0, "latin1");
  return at < 0 ? at : at + before.length;
}
