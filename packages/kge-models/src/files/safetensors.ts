/**
 * The safetensors file format: the length of the header (8 bytes, little-endian), a JSON header with each tensor's dtype, shape and byte
 * range, and the raw little-endian values. Python's `safetensors` reads and writes the same files.
 *
 * Source: the format section of the safetensors project's README. We assume a little-endian host, as all hosts of Node and browsers are in
 * practice.
 */
import { MuldeError } from "@mulde/errors";

/** A tensor to write: the product of `shape` is the length of `data` (1 for the empty shape of a scalar). */
export interface SafetensorsInput {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Float64Array;
}

/** A tensor that was read. `dtype` is the file's; `data` is a view of the file's bytes where type and alignment allow that. */
export interface SafetensorsTensor {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Float64Array;
}

/** The dtypes that can be read; F32, F64 and I32 are also written. */
export type SafetensorsDtype = "F64" | "F32" | "F16" | "BF16" | "I32";

/** The contents of a safetensors file. */
export interface Safetensors {
  readonly tensors: Readonly<Record<string, SafetensorsTensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

const BYTES: Readonly<Record<SafetensorsDtype, number>> = { F64: 8, F32: 4, F16: 2, BF16: 2, I32: 4 };

/** The reference implementation's limit: a file cannot make us allocate more. */
const MAX_HEADER_BYTES = 100_000_000;

/**
 * Encodes named tensors. The same tensors give the same bytes: like Python's safetensors, it sorts them by dtype (the widest first, so that
 * all are aligned), then by name.
 *
 * @param tensors - By name; typed arrays over shared memory are allowed.
 * @param metadata - Strings for the header.
 * @throws MuldeError SAFETENSORS_SHAPE if a shape does not fit its data, SAFETENSORS_NAME for the reserved name "__metadata__".
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, SafetensorsInput>>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  const entries = Object.entries(tensors).sort(
    ([a, { data: x }], [b, { data: y }]) => y.BYTES_PER_ELEMENT - x.BYTES_PER_ELEMENT || (a < b ? -1 : 1),
  );
  let end = 0;
  const fields = entries.map(([name, { shape, data }]): [string, unknown] => {
    if (name === "__metadata__") {
      throw new MuldeError(
        "SAFETENSORS_NAME",
        'The format reserves the name "__metadata__"; give the tensor another one.',
      );
    }
    if (!shape.every(isSize) || product(shape) !== data.length) {
      throw new MuldeError(
        "SAFETENSORS_SHAPE",
        `The tensor "${name}" has ${data.length} values, but the shape [${shape.join(", ")}]; give the shape of its values.`,
      );
    }
    const start = end;
    end += data.byteLength;
    return [name, { dtype: dtypeOf(data), shape, data_offsets: [start, end] }];
  });
  // fromEntries, not assignment: a tensor may be called "__proto__".
  const header = Object.fromEntries(metadata ? [["__metadata__", metadata], ...fields] : fields);
  const json = new TextEncoder().encode(JSON.stringify(header));
  // Spaces pad the JSON, so that the data begins at a multiple of 8.
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerBytes + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.fill(0x20, 8, 8 + headerBytes);
  bytes.set(json, 8);
  let offset = 8 + headerBytes;
  for (const [, { data }] of entries) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

/**
 * Decodes a safetensors file and checks all of it: header, dtypes, shapes, and that the tensors fill the data without overlap or hole.
 * F16, BF16 and F64 become Float32Array; F32 and I32 are views of `bytes` where they are aligned, copies elsewhere.
 *
 * @param bytes - The file's content.
 * @param source - The file's name: the `file` of errors.
 * @param options - `keepFloat64`: return F64 as Float64Array, without loss.
 * @throws MuldeError SAFETENSORS_HEADER, SAFETENSORS_DTYPE, SAFETENSORS_SHAPE or SAFETENSORS_OFFSETS with the file and the tensor
 */
export function decodeSafetensors(
  bytes: Uint8Array,
  source: string,
  options?: { readonly keepFloat64?: boolean },
): Safetensors {
  const { header, data } = readHeader(bytes, source);
  const metadata = readMetadata(header.__metadata__, source);
  const fields = Object.entries(header)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, field]) => readField(name, field, source))
    .sort((a, b) => a.start - b.start || a.end - b.end);
  let end = 0;
  for (const field of fields) {
    if (field.start !== end) {
      throw new MuldeError(
        "SAFETENSORS_OFFSETS",
        `The tensor "${field.name}" begins at byte ${field.start} of the data, but the one before it ends at ${end}; ` +
          "the file is damaged, get it again.",
        { file: source },
      );
    }
    end = field.end;
  }
  if (end !== data.length) {
    throw new MuldeError(
      "SAFETENSORS_OFFSETS",
      `The header tells of ${end} bytes of data, but the file has ${data.length}; it is cut off or damaged, get it again.`,
      { file: source },
    );
  }
  const tensors = fields.map(({ name, dtype, shape, start, end: stop }): [string, SafetensorsTensor] => [
    name,
    { dtype, shape, data: valuesOf(data.subarray(start, stop), dtype, options?.keepFloat64 ?? false) },
  ]);
  return { tensors: Object.fromEntries(tensors), metadata };
}

interface Field {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

function readHeader(bytes: Uint8Array, source: string): { header: Record<string, unknown>; data: Uint8Array } {
  const refuse = (why: string, cause?: unknown): MuldeError =>
    new MuldeError("SAFETENSORS_HEADER", `This is not a safetensors file, or a damaged one: ${why}.`, {
      file: source,
      cause,
    });
  if (bytes.length < 8) throw refuse(`it has ${bytes.length} bytes, but the length of the header alone takes 8`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) throw refuse(`its header claims ${length} bytes`);
  const end = 8 + Number(length);
  if (end > bytes.length) throw refuse(`its header claims to end at byte ${end} of ${bytes.length}`);
  let header: unknown;
  try {
    // Copied, since TextDecoder refuses shared memory.
    const json = new Uint8Array(bytes.subarray(8, end));
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(json));
  } catch (cause) {
    throw refuse("its header is not JSON in UTF-8", cause);
  }
  if (!isObject(header)) throw refuse("its header is not a JSON object");
  return { header, data: bytes.subarray(end) };
}

function readMetadata(metadata: unknown, source: string): Record<string, string> {
  if (metadata === undefined) return {};
  if (isObject(metadata) && Object.values(metadata).every((value) => typeof value === "string")) {
    return metadata as Record<string, string>;
  }
  throw new MuldeError("SAFETENSORS_HEADER", "__metadata__ must be a JSON object of strings; get the file again.", {
    file: source,
  });
}

function readField(name: string, field: unknown, source: string): Field {
  const refuse = (code: string, rule: string): MuldeError =>
    new MuldeError(code, `The tensor "${name}" ${rule}.`, { file: source });
  if (!isObject(field)) throw refuse("SAFETENSORS_HEADER", "must be described by a JSON object");
  const { dtype, shape, data_offsets: offsets } = field;
  if (!isDtype(dtype)) {
    const known = Object.keys(BYTES).join(", ");
    const given = dtype === undefined ? "none" : JSON.stringify(dtype);
    throw refuse("SAFETENSORS_DTYPE", `must have one of the dtypes ${known}, but has ${given}; convert it`);
  }
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    throw refuse("SAFETENSORS_SHAPE", "must have a shape of whole numbers");
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize) || offsets[0]! > offsets[1]!) {
    throw refuse("SAFETENSORS_OFFSETS", "must have data_offsets of two whole numbers, start and end");
  }
  const [start, end] = offsets as [number, number];
  if (product(shape) * BYTES[dtype] !== end - start) {
    throw refuse(
      "SAFETENSORS_SHAPE",
      `has ${end - start} bytes, but its shape [${shape.join(", ")}] of ${dtype} takes ${product(shape) * BYTES[dtype]}`,
    );
  }
  return { name, dtype, shape, start, end };
}

function valuesOf(bytes: Uint8Array, dtype: SafetensorsDtype, keepFloat64: boolean): SafetensorsTensor["data"] {
  // Not bytes.slice(): that of a Buffer does not copy.
  const { buffer, byteOffset } = bytes.byteOffset % BYTES[dtype] === 0 ? bytes : new Uint8Array(bytes);
  const length = bytes.length / BYTES[dtype];
  if (dtype === "F32") return new Float32Array(buffer, byteOffset, length);
  if (dtype === "I32") return new Int32Array(buffer, byteOffset, length);
  if (dtype === "F64") {
    const values = new Float64Array(buffer, byteOffset, length);
    return keepFloat64 ? values : Float32Array.from(values);
  }
  const halves = new Uint16Array(buffer, byteOffset, length);
  if (dtype === "F16") return Float32Array.from(halves, float16);
  // A BF16 is the upper half of an F32.
  return new Float32Array(Uint32Array.from(halves, (bits) => bits << 16).buffer);
}

/** An IEEE 754 half: a sign bit, 5 bits of exponent with bias 15, 10 bits of fraction. */
function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function dtypeOf(data: SafetensorsInput["data"]): SafetensorsDtype {
  if (data instanceof Float32Array) return "F32";
  return data instanceof Float64Array ? "F64" : "I32";
}

function product(shape: readonly number[]): number {
  return shape.reduce((size, length) => size * length, 1);
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isDtype(value: unknown): value is SafetensorsDtype {
  return typeof value === "string" && Object.hasOwn(BYTES, value);
}
