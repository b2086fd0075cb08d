import { MuldeError } from "@mulde/errors";

/** Throws MODELS_ID unless every id lies in 0..limit-1. */
export function checkIds(field: string, ids: Int32Array, limit: number): void {
  const at = ids.findIndex((id) => id < 0 || id >= limit);
  if (at >= 0) {
    throw new MuldeError(
      "MODELS_ID",
      `The ${field} at position ${at} is ${ids[at]}, but ids go from 0 to ${limit - 1}.`,
    );
  }
}
