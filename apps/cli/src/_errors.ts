import { hasCode, MuldeError } from "@mulde/errors";
import { CommanderError } from "commander";
import { paint } from "./_output.js";

export { hasCode, MuldeError };

/** Exit codes: scripts tell a wrong call (2) from a failure (1). 130 is the shells' code of Ctrl-C. */
const exitCodes = { failed: 1, usage: 2 } as const;

/** A command line that makes no sense: exit code 2. */
export class UsageError extends MuldeError {
  /** @param option - The option at fault as the user wrote it, such as "--set optimizer.clipNorm". */
  constructor(reason: string, option?: string, cause?: unknown) {
    super("CLI_USAGE", reason, { ...(option !== undefined && { path: [option] }), cause });
  }
}

/** Ctrl-C or a request to end; the reason of the abort signal. */
export class Interrupted extends MuldeError {
  /** @param exitCode - 128 and the signal's number, as shells have it. */
  constructor(
    readonly exitCode: number,
    message = "Stopped before there was anything to save; run the same command again.",
  ) {
    super("CLI_INTERRUPTED", message);
  }
}

/** What `--json` prints of an error. */
interface ErrorJson {
  readonly code: string;
  readonly message: string;
  readonly file?: string;
  readonly line?: number;
  readonly path?: readonly (string | number)[];
}

/**
 * Reports an error as one line on stderr, with `--json` also as `{"error": {"code", "message", "file", "line", "path"}}` on stdout, and
 * returns the exit code. MULDE_DEBUG=1 adds the stack.
 */
export function reportError(error: unknown, json: boolean): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const described = describe(error);
  const colours = paint(process.stderr);
  // Commander prints the whole help for a call without a command.
  if (!(error instanceof CommanderError && error.code === "commander.help")) {
    const word = error instanceof Interrupted ? "" : `${colours.red("error:")} `;
    process.stderr.write(`${word}${described.message} ${colours.dim(`(${described.code})`)}\n`);
  }
  if (process.env.MULDE_DEBUG && error instanceof Error) process.stderr.write(`${error.stack ?? ""}\n`);
  if (json) process.stdout.write(`${JSON.stringify({ error: described })}\n`);
  return exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return error.exitCode;
  return error instanceof UsageError || error instanceof CommanderError ? exitCodes.usage : exitCodes.failed;
}

function describe(error: unknown): ErrorJson {
  if (error instanceof MuldeError) {
    const { code, message, file, line, path } = error;
    return {
      code,
      message,
      ...(file !== undefined && { file }),
      ...(line !== undefined && { line }),
      ...(path.length > 0 && { path }),
    };
  }
  if (error instanceof CommanderError) return { code: "CLI_USAGE", message: fromCommander(error) };
  if (!(error instanceof Error)) return { code: "CLI_UNEXPECTED", message: String(error) };
  const { code } = error as { code?: unknown };
  if (typeof code === "string") return { code, message: error.message };
  const message = `${error.message} (not expected; MULDE_DEBUG=1 shows where it comes from)`;
  return { code: "CLI_UNEXPECTED", message };
}

/** Commander's message on one line, without the word that stands before it in any case. */
function fromCommander({ code, message }: CommanderError): string {
  if (code === "commander.help") return "No command given; see mulde --help.";
  return message.replace(/^error: /, "").replaceAll("\n", " ");
}
