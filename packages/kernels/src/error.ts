/** An error with a stable code for programs and one sentence for people. */
export class MuldeError extends Error {
  override readonly name = "MuldeError";

  constructor(
    readonly code: string,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
  }
}
