import { MuldeError } from "@mulde/errors";

/** A tensor to write: the product of `shape` is the length of `data` (1 for the empty shape of a scalar). */
export interface SafetensorsInput {
  readonly shape: readonly number[];
  readonly data: SafetensorsValues;
}

/** What holds values. */
export type SafetensorsValues = Float32Array | Int32Array | Float64Array;

/** The dtypes whose values can be read; F32, F64 and I32 are also written. */
export type SafetensorsDtype = "F64" | "F32" | "F16" | "BF16" | "I32";

/** Bytes of a value that can be converted. */
export const bytesPerValue: Readonly<Record<SafetensorsDtype, number>> = { F64: 8, F32: 4, F16: 2, BF16: 2, I32: 4 };

// All dtypes of the format, in bits: a tensor that nobody asks for may have any.
const bits: Readonly<Record<string, number>> = {
  ...{ F64: 64, I64: 64, U64: 64, C64: 64, F32: 32, I32: 32, U32: 32, F16: 16, BF16: 16, I16: 16, U16: 16 },
  ...{ BOOL: 8, U8: 8, I8: 8, F8_E5M2: 8, F8_E4M3: 8, F8_E8M0: 8, F6_E2M3: 6, F6_E3M2: 6, F4: 4 },
};

/** The bytes that so many values take; undefined for a dtype of the future. */
export function bytesIn(dtype: string, values: number): number | undefined {
  return Object.hasOwn(bits, dtype) ? (values * bits[dtype]!) / 8 : undefined;
}

export function dtypeOf(data: SafetensorsValues): SafetensorsDtype {
  if (data instanceof Float32Array) return "F32";
  return data instanceof Float64Array ? "F64" : "I32";
}

/**
 * The dtype of a tensor whose values are asked for.
 *
 * @throws MuldeError SAFETENSORS_DTYPE if they cannot be converted
 */
export function convertible(dtype: string, name: string, file: string): SafetensorsDtype {
  if (Object.hasOwn(bytesPerValue, dtype)) return dtype as SafetensorsDtype;
  const known = Object.keys(bytesPerValue).join(", ");
  throw new MuldeError(
    "SAFETENSORS_DTYPE",
    `The tensor ${name} has the dtype ${JSON.stringify(dtype.slice(0, 20))}, and ${known} can be read; convert it.`,
    { file },
  );
}

/** Whether the values of a dtype may go into an array: floats into floats, integers into integers. */
export function fitsInto(dtype: SafetensorsDtype, into: SafetensorsValues): boolean {
  return (dtype === "I32") === into instanceof Int32Array;
}

/** An array for the values of a tensor: Float32Array, or Int32Array of an I32. */
export function arrayFor(dtype: SafetensorsDtype, length: number): Float32Array | Int32Array {
  return dtype === "I32" ? new Int32Array(length) : new Float32Array(length);
}

/**
 * Converts bytes of a tensor.
 *
 * @param bytes - Aligned for the dtype.
 * @param into - Gets the values from position `at` on.
 */
export function convert(bytes: Uint8Array, dtype: SafetensorsDtype, into: SafetensorsValues, at: number): void {
  const { buffer, byteOffset } = bytes;
  const length = bytes.length / bytesPerValue[dtype];
  if (dtype === "F32") into.set(new Float32Array(buffer, byteOffset, length), at);
  else if (dtype === "I32") into.set(new Int32Array(buffer, byteOffset, length), at);
  else if (dtype === "F64") into.set(new Float64Array(buffer, byteOffset, length), at);
  else {
    const halves = new Uint16Array(buffer, byteOffset, length);
    into.set(dtype === "F16" ? Float32Array.from(halves, float16) : bfloat16(halves), at);
  }
}

/** A BF16 is the upper half of an F32. */
function bfloat16(halves: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer);
}

/** An IEEE 754 half: a sign bit, 5 bits of exponent with bias 15, 10 bits of fraction. */
function float16(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
