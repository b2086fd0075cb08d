/** Where an error is and what it is about. Every field is optional; the message is made of them. */
export interface ErrorFields {
  /** The file at fault, as the user named it; "a recipe" or another phrase where there is no file. */
  readonly file?: string | undefined;
  /** The line of that file, from 1. */
  readonly line?: number | undefined;
  /** The field at fault, as a path from the root: `["teachers", 0, "model", "dim"]`. */
  readonly path?: readonly (string | number)[] | undefined;
  /** The offending value. */
  readonly value?: unknown;
  /** The error behind this one. */
  readonly cause?: unknown;
}

// Shared by every copy of this package in a process, so that `instanceof` holds across copies.
const brand: unique symbol = Symbol.for("@mulde/errors") as never;

/**
 * What every Mulde package throws. Programs read `code` and the fields; people read `message`, which is composed of them as
 * `FILE:LINE, path.to.field: reason`. Nothing ever needs to parse a message.
 *
 * `instanceof MuldeError` also holds for errors from another copy of this package.
 */
export class MuldeError extends Error {
  /** Stable and safe to compare with, such as "DATA_MALFORMED_LINE". */
  readonly code: string;
  /** What is wrong and how to fix it: the message without its place. */
  readonly reason: string;
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly path: readonly (string | number)[];
  readonly value: unknown;

  /** @param reason - One sentence with a full stop: what is wrong, and the fix. */
  constructor(code: string, reason: string, fields: ErrorFields = {}) {
    const { file, line, path = [], value, cause } = fields;
    super(compose(reason, file, line, path), cause === undefined ? undefined : { cause });
    this.name = "MuldeError";
    this.code = code;
    this.reason = reason;
    this.file = file;
    this.line = line;
    this.path = path;
    this.value = value;
    Object.defineProperty(this, brand, { value: true });
  }

  /**
   * The same error at a place that its thrower did not know. What is given replaces what was there; `path` goes in front of the path
   * that is there, since callers know the outer part.
   */
  at(place: Pick<ErrorFields, "file" | "line" | "path">): MuldeError {
    const { file = this.file, line = this.line, path = [] } = place;
    const moved = new MuldeError(this.code, this.reason, {
      file,
      line,
      path: [...path, ...this.path],
      value: this.value,
      cause: this.cause ?? this,
    });
    return moved;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // Subclasses are told apart as usual; only the base class looks at the brand.
    if (this !== MuldeError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === "object" && value !== null && brand in value;
  }
}

/** Whether an error is a `MuldeError` of one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): error is MuldeError {
  return error instanceof MuldeError && codes.includes(error.code);
}

function compose(
  reason: string,
  file: string | undefined,
  line: number | undefined,
  path: readonly (string | number)[],
): string {
  const where = file !== undefined && line !== undefined ? `${file}:${line}` : file;
  const place = [where, path.join(".")].filter((part) => part !== undefined && part !== "").join(", ");
  return place === "" ? reason : `${place}: ${reason}`;
}
