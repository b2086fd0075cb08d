/**
 * The error of this package: `code` is stable and meant for programs ("MODELS_UNKNOWN_MODEL", "SAFETENSORS_HEADER", ...), `message`
 * is one sentence for people that names the offending value and the way out.
 */
export class MuldeError extends Error {
  readonly code: string;

  /**
   * @param code - Stable, upper case, with the area first.
   * @param message - One sentence: what is wrong, where, and how to mend it.
   * @param options - `cause`: the error underneath, if there is one.
   */
  constructor(code: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "MuldeError";
    this.code = code;
  }
}
