import { described, MuldeError } from "@mulde/errors";
import type { TripleList } from "./triples.js";

/** The path of a field, from the function's arguments on: `["hitsAt", 0]`. */
export type Path = readonly (string | number)[];

/** @throws MuldeError EVAL_BAD_OPTION unless `value` is a positive integer. */
export function checkCount(path: Path, value: number): void {
  if (Number.isInteger(value) && value >= 1) return;
  throw new MuldeError("EVAL_BAD_OPTION", `must be a positive integer, but is ${described(value)}.`, { path, value });
}

/** @throws MuldeError EVAL_BAD_OPTION unless `value` is an object; `what` says what to give. */
export function checkObject(path: Path, value: unknown, what: string): void {
  if ((typeof value === "object" && value !== null) || typeof value === "function") return;
  throw new MuldeError("EVAL_BAD_OPTION", `must be ${what}, but is ${described(value)}.`, { path, value });
}

/** @throws MuldeError EVAL_BAD_OPTION unless `value` is a list of numbers: an array or a typed array. */
export function checkNumbers(path: Path, value: unknown): void {
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return;
  throw new MuldeError("EVAL_BAD_OPTION", `must be a list of numbers, but is ${described(value)}.`, { path, value });
}

/** @throws MuldeError EVAL_BAD_OPTION unless `value`, which may be left out, has this method (or is a function, without a method). */
export function checkCallable(path: Path, value: unknown, method?: string): void {
  if (value === undefined) return;
  const called: unknown = method === undefined ? value : (value as Readonly<Record<string, unknown>> | null)?.[method];
  if (typeof called === "function") return;
  if (method !== undefined && typeof value === "object" && value !== null) {
    throw new MuldeError("EVAL_BAD_OPTION", `has no function ${method}.`, { path, value });
  }
  const wanted = method === undefined ? "a function" : `an object with a function ${method}`;
  throw new MuldeError("EVAL_BAD_OPTION", `must be ${wanted}, but is ${described(value)}.`, { path, value });
}

/** @throws MuldeError EVAL_BAD_OPTION unless `value`, which may be left out, is one of these. */
export function checkChoice(name: string, value: unknown, choices: readonly string[]): void {
  if (value === undefined || choices.includes(value as string)) return;
  throw new MuldeError("EVAL_BAD_OPTION", `${described(value)} is not one of ${choices.join(", ")}.`, {
    path: [name],
    value,
  });
}

/**
 * Checks that the columns are Int32Arrays of one length with ids in range. A typed array would answer a wrong id with undefined, silently.
 *
 * @param path - Where the caller has the list: `["triples"]`, `["splits", 0]`.
 * @throws MuldeError EVAL_BAD_TRIPLES that names the column and the position.
 */
export function checkTriples(triples: TripleList, numEntities: number, numRelations: number, path: Path): void {
  const refuse = (reason: string, where: Path, value?: unknown): MuldeError =>
    new MuldeError("EVAL_BAD_TRIPLES", reason, { path: [...path, ...where], value });
  // Callers without a compiler pass anything.
  const given = triples as Partial<TripleList> | undefined;
  if (given?.heads === undefined || given.relations === undefined || given.tails === undefined) {
    throw refuse("give triples as { heads, relations, tails, length }, with an Int32Array for each column.", [], given);
  }
  if (given.length === undefined) throw refuse("is undefined; give the number of triples.", ["length"]);
  const columns = [
    ["heads", triples.heads, numEntities],
    ["relations", triples.relations, numRelations],
    ["tails", triples.tails, numEntities],
  ] as const;
  for (const [name, column, count] of columns) {
    if (!(column instanceof Int32Array)) {
      throw refuse(`must be an Int32Array; pass Int32Array.from(${name}).`, [name], column);
    }
    if (column.length !== triples.length) {
      throw refuse(
        `has ${String(column.length)} ids, but the length of the list is ${String(triples.length)}; give three columns of one length.`,
        [name],
      );
    }
    for (let i = 0; i < column.length; i++) {
      const id = column[i]!;
      if (id >= 0 && id < count) continue;
      const fix =
        name === "relations"
          ? "pass the plain relations, without reciprocals"
          : "encode the triples with the vocabulary that the scorer was trained with";
      throw refuse(`${String(id)} is outside 0..${String(count - 1)}; ${fix}.`, [name, i], id);
    }
  }
}
