/** What every failure of this package is thrown as: a stable `code` for programs and one sentence for people. */
export class MuldeError extends Error {
  /** Stable and safe to compare with, such as "DATA_MALFORMED_LINE". */
  readonly code: string;

  constructor(code: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "MuldeError";
    this.code = code;
  }
}
