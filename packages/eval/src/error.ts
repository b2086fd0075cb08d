/** What every failure of this package is thrown as: a stable `code` for programs and one sentence for people. */
export class MuldeError extends Error {
  /** Stable and safe to compare with: "EVAL_BAD_TRIPLES", "EVAL_BAD_FILTER", "EVAL_BAD_OPTION", "EVAL_BAD_COUNTS", "EVAL_BAD_RANKS" or "SCORE_NOT_FINITE". */
  readonly code: string;

  constructor(code: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "MuldeError";
    this.code = code;
  }
}
