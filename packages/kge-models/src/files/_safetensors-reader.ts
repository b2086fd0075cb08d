import { MuldeError } from "@mulde/errors";
import { node } from "../_node.js";
import { quoted } from "./_quoted.js";
import { bytesAt, type OpenFile, readPieces } from "./_reading.js";
import { type Header, headerLength, parseHeader, prefixBytes, product } from "./_safetensors-header.js";
import {
  arrayFor,
  bytesPerValue,
  convert,
  convertible,
  fitsInto,
  type SafetensorsValues,
} from "./_safetensors-values.js";

/** As long as the hex digits of a SHA-256, which a checksum counts as zeros. */
export const noDigits = "0".repeat(64);

/** A safetensors file that is open: checks its header against the file's size. */
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
    const hash = node("crypto").createHash("sha256").update(header);
    for await (const piece of readPieces(this.#file, header.length)) hash.update(piece);
    return hash.digest("hex") === checksum;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** Where the digits of a checksum stand in a header. In other strings of the JSON the quotes would be escaped. */
export function digitsAt(header: Uint8Array, digits: string): number {
  const before = '"checksum":"';
  const at = Buffer.from(header.buffer, header.byteOffset, header.length).indexOf(`${before}${digits}"`, 0, "latin1");
  return at < 0 ? at : at + before.length;
}
