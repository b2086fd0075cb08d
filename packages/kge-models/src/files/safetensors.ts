/**
 * The safetensors file format: the length of the header (8 bytes, little-endian), a JSON header with each tensor's dtype, shape and byte
 * range, and the raw little-endian values. Python's `safetensors` reads and writes the same files. `safetensors-file.ts` has the same for files
 * of any size.
 *
 * Source: the format section of the safetensors project's README. We assume a little-endian host, as all hosts of Node and browsers are in
 * practice.
 */
import { MuldeError } from "@mulde/errors";
import { quoted } from "./_quoted.js";
import { headerLength, parseHeader, prefixBytes } from "./_safetensors-header.js";
import { layOut } from "./_safetensors-layout.js";
import {
  arrayFor,
  bytesPerValue,
  convert,
  convertible,
  type SafetensorsDtype,
  type SafetensorsInput,
  type SafetensorsValues,
} from "./_safetensors-values.js";

/** A tensor that was read. `dtype` is the file's; `data` is a view of the file's bytes where type and alignment allow that. */
export interface SafetensorsTensor {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly data: SafetensorsValues;
}

/** The contents of a safetensors file. */
export interface Safetensors {
  readonly tensors: Readonly<Record<string, SafetensorsTensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Encodes named tensors in memory. The same tensors give the same bytes.
 *
 * @param tensors - By name; typed arrays over shared memory are allowed.
 * @param metadata - Strings for the header.
 * @throws MuldeError SAFETENSORS_SHAPE if a shape does not fit its data, SAFETENSORS_NAME for the reserved name "__metadata__",
 *   SAFETENSORS_HEADER for a header that is too long to be read back
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, SafetensorsInput>>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  const { header, data, bytes } = layOut(tensors, metadata);
  const out = new Uint8Array(bytes);
  out.set(header);
  let offset = header.length;
  for (const values of data) {
    out.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), offset);
    offset += values.byteLength;
  }
  return out;
}

/**
 * Decodes a safetensors file in memory and checks all of it: header, dtypes, shapes, and that the tensors fill the data without overlap or hole.
 * F16, BF16 and F64 become Float32Array; F32 and I32 are views of `bytes` where they are aligned, copies elsewhere.
 *
 * @param bytes - The file's content.
 * @param source - The file's name: the `file` of errors.
 * @param options - `keepFloat64`: return F64 as Float64Array, without loss.
 * @throws MuldeError SAFETENSORS_HEADER, SAFETENSORS_TRUNCATED, SAFETENSORS_DTYPE, SAFETENSORS_SHAPE or SAFETENSORS_OFFSETS with the file and
 *   the tensor
 */
export function decodeSafetensors(
  bytes: Uint8Array,
  source: string,
  options?: { readonly keepFloat64?: boolean },
): Safetensors {
  if (!ArrayBuffer.isView(bytes)) {
    throw new MuldeError("SAFETENSORS_HEADER", "must be the bytes of a file, as a Uint8Array.", { file: source });
  }
  const data = prefixBytes + headerLength(bytes.subarray(0, prefixBytes), bytes.length, source);
  const { metadata, fields } = parseHeader(bytes.subarray(prefixBytes, data), bytes.length - data, source);
  const tensors = [...fields].map(([name, { dtype: given, shape, start, end }]): [string, SafetensorsTensor] => {
    const dtype = convertible(given, quoted(name), source);
    const values = valuesOf(bytes.subarray(data + start, data + end), dtype, options?.keepFloat64 ?? false);
    return [name, { dtype, shape, data: values }];
  });
  return { tensors: Object.fromEntries(tensors), metadata };
}

function valuesOf(bytes: Uint8Array, dtype: SafetensorsDtype, keepFloat64: boolean): SafetensorsValues {
  const width = bytesPerValue[dtype];
  // Not bytes.slice(): that of a Buffer does not copy.
  const aligned = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  const { buffer, byteOffset } = aligned;
  const length = bytes.length / width;
  if (dtype === "F32") return new Float32Array(buffer, byteOffset, length);
  if (dtype === "I32") return new Int32Array(buffer, byteOffset, length);
  if (dtype === "F64" && keepFloat64) return new Float64Array(buffer, byteOffset, length);
  const values = arrayFor(dtype, length);
  convert(aligned, dtype, values, 0);
  return values;
}
