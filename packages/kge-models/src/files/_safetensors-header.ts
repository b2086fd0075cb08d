import { MuldeError } from "@mulde/errors";
import { oddity } from "./_json.js";
import { quoted, shapeText } from "./_quoted.js";
import { bytesIn } from "./_safetensors-values.js";

/** What the header says of a tensor: `start` and `end` count from the first byte behind the header. */
interface Field {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

/** A header that was read and checked. */
export interface Header {
  readonly metadata: Readonly<Record<string, string>>;
  /** in the order of the data */
  readonly fields: ReadonlyMap<string, Field>;
}

/** The length of the header stands in front of it. */
export const prefixBytes = 8;

/** Room for 40,000 tensors. The reference implementation allows 100 MB; parsing that would take a gigabyte. */
export const maxHeaderBytes = 4 << 20;
// The header holds tensors, a tensor holds arrays.
const maxDepth = 3;

/**
 * The bytes that the header takes, without its prefix.
 *
 * @param prefix - The first bytes of the file, 8 if it has so many.
 * @param size - How many bytes the whole file has.
 */
export function headerLength(prefix: Uint8Array, size: number, source: string): number {
  if (prefix.length < prefixBytes) {
    const are = size === 0 ? "the file is empty" : `the file ends after ${size} bytes`;
    throw cutOff(`${are}, but the length of its header alone takes ${prefixBytes}`, source);
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset, prefixBytes).getBigUint64(0, true);
  if (length > BigInt(maxHeaderBytes)) {
    throw notSafetensors(`its header claims ${length} bytes, and at most ${maxHeaderBytes} are read`, source);
  }
  const end = prefixBytes + Number(length);
  if (end > size) throw cutOff(`its header ends at byte ${end}, but the file at ${size}`, source);
  return Number(length);
}

/**
 * Checks all that a header says: JSON, dtypes, shapes, and that the tensors fill the data without overlap or hole. Tensors may have a dtype
 * that cannot be converted; that only matters to whoever asks for their values.
 *
 * @param json - The header without its prefix.
 * @param dataBytes - How many bytes follow it.
 */
export function parseHeader(json: Uint8Array, dataBytes: number, source: string): Header {
  const header = parseJson(json, source);
  const metadata = readMetadata(header.__metadata__, source);
  const fields = Object.entries(header)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, field]): [string, Field] => [name, readField(name, field, source)])
    .sort(([, a], [, b]) => a.start - b.start || a.end - b.end);
  let end = 0;
  for (const [name, field] of fields) {
    if (field.start !== end) {
      const what = field.start < end ? "an overlap" : "a hole";
      throw damaged(
        "SAFETENSORS_OFFSETS",
        `the tensor ${quoted(name)} begins at byte ${field.start} of the data, but the one before ends at ${end}: ${what}`,
        source,
      );
    }
    end = field.end;
  }
  if (end > dataBytes) throw cutOff(`its tensors take ${end} bytes, but only ${dataBytes} are there`, source);
  if (end < dataBytes) {
    throw damaged(
      "SAFETENSORS_OFFSETS",
      `${dataBytes - end} bytes follow the last tensor, which ends at ${end}`,
      source,
    );
  }
  return { metadata, fields: new Map(fields) };
}

function parseJson(json: Uint8Array, source: string): Record<string, unknown> {
  let header: unknown;
  try {
    // Copied, since TextDecoder refuses shared memory.
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(new Uint8Array(json));
    const odd = oddity(text, maxDepth);
    if (odd !== undefined) throw notSafetensors(`its header ${odd}`, source);
    header = JSON.parse(text);
  } catch (cause) {
    if (cause instanceof MuldeError) throw cause;
    throw notSafetensors("its header is not JSON in UTF-8", source, cause);
  }
  if (!isObject(header)) throw notSafetensors("its header is not a JSON object", source);
  return header;
}

function readMetadata(metadata: unknown, source: string): Record<string, string> {
  if (metadata === undefined) return {};
  if (isObject(metadata) && Object.values(metadata).every((value) => typeof value === "string")) {
    return metadata as Record<string, string>;
  }
  throw damaged("SAFETENSORS_HEADER", "its __metadata__ is not a JSON object of strings", source);
}

function readField(name: string, field: unknown, source: string): Field {
  const refuse = (code: string, rule: string): MuldeError =>
    damaged(code, `the tensor ${quoted(name)} ${rule}`, source);
  if (!isObject(field)) throw refuse("SAFETENSORS_HEADER", "is not described by a JSON object");
  const { dtype, shape, data_offsets: offsets } = field;
  if (typeof dtype !== "string") throw refuse("SAFETENSORS_DTYPE", "has no dtype");
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    throw refuse("SAFETENSORS_SHAPE", "has a shape that is not made of whole numbers");
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize) || offsets[0]! > offsets[1]!) {
    throw refuse("SAFETENSORS_OFFSETS", "must have data_offsets of two whole numbers, start and end");
  }
  const [start, end] = offsets as [number, number];
  const values = product(shape);
  const dimensions = shapeText(shape);
  if (!Number.isSafeInteger(values))
    throw refuse("SAFETENSORS_SHAPE", `has the shape ${dimensions}, more than any file holds`);
  const bytes = bytesIn(dtype, values);
  if (bytes !== undefined && bytes !== end - start) {
    throw refuse(
      "SAFETENSORS_SHAPE",
      `has ${end - start} bytes, but its shape ${dimensions} of ${dtype} takes ${bytes}`,
    );
  }
  return { dtype, shape, start, end };
}

/** How many values a shape has; not a safe integer where a product on the way is none. */
export function product(shape: readonly number[]): number {
  let size = 1;
  let safe = true;
  for (const length of shape) {
    size *= length;
    safe &&= Number.isSafeInteger(size);
  }
  return safe ? size : Infinity;
}

export function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function notSafetensors(why: string, file: string, cause?: unknown): MuldeError {
  return new MuldeError(
    "SAFETENSORS_HEADER",
    `This is not a safetensors file, or a damaged one: ${why}; get it again, or give another file.`,
    { file, cause },
  );
}

function damaged(code: string, why: string, file: string): MuldeError {
  return new MuldeError(code, `This safetensors file is damaged: ${why}; get it again.`, { file });
}

function cutOff(why: string, file: string): MuldeError {
  return new MuldeError("SAFETENSORS_TRUNCATED", `This safetensors file is cut off: ${why}; get it again.`, { file });
}
