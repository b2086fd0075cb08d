import { MuldeError } from "@mulde/errors";

/**
 * Throws MODELS_ID unless every id lies in 0..limit-1.
 *
 * @param field - What an id stands for: "head", "relation", "tail", "candidate", "target".
 * @param owner - Whose ids they are, such as 'the teacher "RotH"'.
 */
export function checkIds(field: string, ids: Int32Array, limit: number, owner = "this model"): void {
  // A plain loop with one comparison, since candidates are many: as unsigned numbers, ids below 0 are above every limit.
  const unsigned = new Uint32Array(ids.buffer, ids.byteOffset, ids.length);
  const { length } = unsigned;
  let at = 0;
  while (at < length && unsigned[at]! < limit) at++;
  if (at === length) return;
  const hint = ids[at] === -1 ? "; indexOf gives -1 for a name that is not in the list, so check how it is spelt" : "";
  throw new MuldeError(
    "MODELS_ID",
    `The ${field} at position ${at} is ${ids[at]}, but the ids of ${owner} go from 0 to ${limit - 1}${hint}.`,
    { value: ids[at] },
  );
}

/** Throws MODELS_SHAPE unless the columns are Int32Arrays of one length. */
export function checkColumns(columns: Readonly<Record<string, unknown>>, length?: number): void {
  let expected = length;
  let first: string | undefined;
  for (const [name, column] of Object.entries(columns)) {
    if (!(column instanceof Int32Array)) {
      const given = Array.isArray(column) ? "an array" : column === undefined ? "missing" : `a ${typeof column}`;
      throw new MuldeError(
        "MODELS_SHAPE",
        `${name} must be an Int32Array, but is ${given}; write Int32Array.from(${name}).`,
        { path: [name] },
      );
    }
    expected ??= column.length;
    if (column.length !== expected) {
      const whole = first === undefined ? `the length is ${expected}` : `there are ${expected} ${first}`;
      throw new MuldeError("MODELS_SHAPE", `There are ${column.length} ${name}, but ${whole}.`, { path: [name] });
    }
    first ??= name;
  }
}

/** Throws MODELS_SHAPE if an array is too short for what is to be written to it. */
export function checkRoom(field: string, array: ArrayLike<number>, length: number, shape: string): void {
  if (array.length >= length) return;
  throw new MuldeError(
    "MODELS_SHAPE",
    `${field} must have room for ${shape} = ${length} values, but has ${array.length}.`,
    { path: [field] },
  );
}

/** Callers without a compiler pass anything. @throws MuldeError MODELS_SHAPE unless this is a model */
export function checkedModel<M extends { readonly config: unknown; readonly tables: unknown }>(model: M): M {
  const given: unknown = model;
  // Only looked for: what stands in front of a model may not read all of it.
  if (typeof given === "object" && given !== null && "config" in given && "tables" in given) return model;
  throw new MuldeError("MODELS_SHAPE", "must be a model, such as the `model` of openModel's.", {
    path: ["model"],
    value: model,
  });
}

/** The error for whoever uses something after its `dispose`. */
export function disposed(what: string): MuldeError {
  return new MuldeError(
    "MODELS_DISPOSED",
    `The ${what} was disposed, and its memory given back; call dispose() after its last use, or make a new one.`,
  );
}
