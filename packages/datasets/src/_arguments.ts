import { described, MuldeError } from "@mulde/errors";

// Ids are Int32, and the tables that count them have one place more.
const MAX_COUNT = 2 ** 31 - 2;

// No system opens a longer one, and an error would quote all of it.
const MAX_PATH = 4096;

/** An argument of a wrong kind, which types do not keep out of JavaScript. `what` is the rule, such as "must be a string". */
export function badArgument(path: readonly (string | number)[], what: string, value: unknown): MuldeError {
  return new MuldeError("DATA_BAD_ARGUMENT", `${what}; this is ${described(value)}.`, { path, value });
}

/** Whether a value can have properties, whatever its type promises. */
export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** @throws MuldeError DATA_BAD_ARGUMENT unless the value is a string. */
export function checkString(value: unknown, path: readonly (string | number)[]): asserts value is string {
  if (typeof value !== "string") throw badArgument(path, "must be a string", value);
}

/** @throws MuldeError DATA_BAD_ARGUMENT unless the value can be the path of a file: a string that is not empty and without a NUL. */
export function checkPath(value: unknown, name: string): asserts value is string {
  checkString(value, [name]);
  if (value === "") throw badArgument([name], "must name a file or a directory", value);
  if (value.length > MAX_PATH) throw badArgument([name], `must have at most ${MAX_PATH} characters`, value);
  if (value.includes("\0")) throw badArgument([name], "must not have a NUL", value);
}

/** @throws MuldeError DATA_BAD_ARGUMENT unless the value is an integer that a number of ids can be. */
export function checkCount(value: unknown, name: string): asserts value is number {
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > MAX_COUNT) {
    throw badArgument([name], `must be an integer in 0..${MAX_COUNT}`, value);
  }
}
