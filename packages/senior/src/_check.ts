import { described, MuldeError } from "@mulde/errors";

/** More rows than this fit into no memory. */
const mostRows = 2 ** 28;

/** @throws MuldeError SENIOR_SHAPE unless `value` is a whole number of at least 1 */
export function checkCount(field: string, value: number): void {
  if (!Number.isInteger(value) || value < 1 || value > mostRows) {
    throw new MuldeError(
      "SENIOR_SHAPE",
      `${field} must be a whole number of at least 1 (and at most ${String(mostRows)}), but is ${described(value)}.`,
      {
        value,
      },
    );
  }
}

/** @throws MuldeError SENIOR_SHAPE unless `array` has exactly `length` values; `shape` is the formula of that length */
export function checkLength(field: string, array: ArrayLike<number>, length: number, shape: string): void {
  checkArray(field, array);
  if (array.length !== length) {
    throw new MuldeError(
      "SENIOR_SHAPE",
      `${field} must hold ${shape} = ${String(length)} values, but holds ${String(array.length)}; pass an array, or a subarray, of that length.`,
    );
  }
}

/**
 * Checks that `array` holds B rows of K values, one every `stride` values. The gap after the last row may be missing: a view that begins
 * inside the first row ends before it.
 *
 * @throws MuldeError SENIOR_SHAPE if it does not, or if `stride` is not a whole number of at least K
 */
export function checkRows(field: string, array: ArrayLike<number>, B: number, K: number, stride: number): void {
  if (!(Number.isInteger(stride) && stride >= K)) {
    throw new MuldeError(
      "SENIOR_SHAPE",
      `stride must be a whole number of at least K = ${String(K)}, but is ${String(stride)}.`,
    );
  }
  if (stride === K) {
    checkLength(field, array, B * K, "B x K");
    return;
  }
  checkArray(field, array);
  if (array.length < (B - 1) * stride + K || array.length > B * stride) {
    throw new MuldeError(
      "SENIOR_SHAPE",
      `${field} must hold (B - 1) x stride + K = ${String((B - 1) * stride + K)} to B x stride = ${String(B * stride)} values, but holds ${String(array.length)}; pass a subarray that begins at the block.`,
    );
  }
}

/** Callers without a compiler pass anything. @throws MuldeError SENIOR_SHAPE unless this is an array of any kind */
export function checkArray(field: string, array: unknown): void {
  if (Array.isArray(array) || ArrayBuffer.isView(array)) return;
  throw new MuldeError("SENIOR_SHAPE", `${field} must be an array, but is ${described(array)}.`, { value: array });
}

/**
 * Checks an object that a caller passes, such as a scaling.
 *
 * @param methods - the functions that it must have
 * @throws MuldeError SENIOR_PART
 */
export function checkPart(field: string, part: unknown, methods: readonly string[] = []): void {
  const given = part as Readonly<Record<string, unknown>> | null | undefined;
  if (typeof given !== "object" || given === null) {
    throw new MuldeError("SENIOR_PART", `must be an object, but is ${described(part)}.`, {
      path: [field],
      value: part,
    });
  }
  const missing = methods.find((method) => typeof given[method] !== "function");
  if (missing === undefined) return;
  throw new MuldeError("SENIOR_PART", `has no function ${missing}.`, { path: [field], value: part });
}

/** @throws MuldeError SENIOR_ID unless every value lies in `low..high` */
export function checkIds(field: string, ids: Int32Array, low: number, high: number): void {
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    if (id < low || id > high) {
      throw new MuldeError(
        "SENIOR_ID",
        `${field}[${String(i)}] is ${String(id)}, but must lie in ${String(low)}..${String(high)}.`,
        { value: id },
      );
    }
  }
}

/** The position of the first NaN or infinity; -1 if there is none. */
export function firstNonFinite(values: Float32Array): number {
  // A plain loop, because this runs over millions of scores in every step. x - x is 0 for finite numbers and NaN for the others.
  for (let at = 0; at < values.length; at++) {
    const value = values[at]!;
    if (value - value !== 0) return at;
  }
  return -1;
}
