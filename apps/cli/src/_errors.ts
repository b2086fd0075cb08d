import { hasCode, MuldeError } from "@mulde/errors";
import { CommanderError } from "commander";
import { paint } from "./_output.js";

export { hasCode, MuldeError };

/** Exit codes: scripts tell a wrong call (2) from a failure (1). 130 is the shells' code of Ctrl-C. */
const exitCodes = { failed: 1, usage: 2 } as const;

/** A command line that cannot be meant: exit code 2. */
export class UsageError extends MuldeError {
  constructor(message: string) {
    super("CLI_USAGE", message);
  }
}

/** Ctrl-C or a request to end; the reason of the abort signal. */
export class Interrupted extends MuldeError {
  /** @param exitCode - 128 and the signal's number, as shells have it. */
  constructor(
    readonly exitCode: number,
    message = "Stopped before anything was to be saved; run the same command again.",
  ) {
    super("CLI_INTERRUPTED", message);
  }
}

/**
 * Reports an error as one line on stderr, with `--json` also as `{"error": {"code", "message"}}` on stdout, and returns the exit
 * code. MULDE_DEBUG=1 adds the stack.
 */
export function reportError(error: unknown, json: boolean): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const { code, message, exitCode } = describe(error);
  const colours = paint(process.stderr);
  // A call without a command has had the whole help printed by commander.
  if (!(error instanceof CommanderError && error.code === "commander.help")) {
    const word = error instanceof Interrupted ? "" : `${colours.red("error:")} `;
    process.stderr.write(`${word}${message} ${colours.dim(`(${code})`)}\n`);
  }
  if (process.env["MULDE_DEBUG"] && error instanceof Error) process.stderr.write(`${error.stack ?? ""}\n`);
  if (json) process.stdout.write(`${JSON.stringify({ error: { code, message } })}\n`);
  return exitCode;
}

function describe(error: unknown): { code: string; message: string; exitCode: number } {
  if (error instanceof CommanderError) {
    const message =
      error.code === "commander.help"
        ? "No command given; see mulde --help."
        : error.message.replace(/^error: /, "").replaceAll("\n", " ");
    return { code: "CLI_USAGE", message, exitCode: exitCodes.usage };
  }
  if (error instanceof UsageError) return { code: error.code, message: error.message, exitCode: exitCodes.usage };
  if (error instanceof Interrupted) return { code: error.code, message: error.message, exitCode: error.exitCode };
  if (!(error instanceof Error)) return { code: "CLI_UNEXPECTED", message: String(error), exitCode: exitCodes.failed };
  const { code } = error as { code?: unknown };
  if (typeof code === "string") return { code, message: error.message, exitCode: exitCodes.failed };
  const message = `${error.message} (not expected; MULDE_DEBUG=1 shows where it comes from)`;
  return { code: "CLI_UNEXPECTED", message, exitCode: exitCodes.failed };
}
