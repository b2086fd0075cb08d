import { type FileAction, fileError, hasCode, MuldeError } from "@mulde/errors";
import { CommanderError } from "commander";
import { paint } from "./_paint.js";
import { printable, shown } from "./_printable.js";

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
 * Reports an error as one line on stderr, shortened if it is very long, and returns the exit code. With `--json` it is on stdout too, whole, as
 * `{"error": {"code", "message", "file", "line", "path"}}`. MULDE_DEBUG=1 adds the stack.
 */
export function reportError(error: unknown, json: boolean): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const described = describe(error);
  const colours = paint(process.stderr);
  // Commander prints the whole help for a call without a command.
  if (!(error instanceof CommanderError && error.code === "commander.help")) {
    const word = error instanceof Interrupted ? "" : `${colours.red("error:")} `;
    process.stderr.write(printable(`${word}${readable(described.message)} ${colours.dim(`(${described.code})`)}\n`));
  }
  if (process.env.MULDE_DEBUG && error instanceof Error) process.stderr.write(`${printable(error.stack ?? "")}\n`);
  if (json) process.stdout.write(`${JSON.stringify({ error: described })}\n`);
  return exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return error.exitCode;
  return error instanceof UsageError || error instanceof CommanderError ? exitCodes.usage : exitCodes.failed;
}

function describe(error: unknown): ErrorJson {
  if (error instanceof CommanderError) return { code: "CLI_USAGE", message: fromCommander(error) };
  if (isOfFile(error)) return describe(fileError("CLI_FILE", actions.get(error.syscall) ?? "read", error.path, error));
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
  const told = error instanceof Error ? error.message : String(error);
  const message = `${told} (not expected; MULDE_DEBUG=1 shows where it comes from).`;
  return { code: "CLI_UNEXPECTED", message };
}

/** What Node throws of a file. */
interface FileFailure extends Error {
  readonly syscall: string;
  readonly path: string;
}

function isOfFile(error: unknown): error is FileFailure {
  if (!(error instanceof Error) || error instanceof MuldeError) return false;
  const { syscall, path } = error as Partial<FileFailure>;
  return typeof syscall === "string" && typeof path === "string";
}

const writing = [
  "write",
  "mkdir",
  "mkdtemp",
  "rename",
  "unlink",
  "rmdir",
  "rm",
  "link",
  "symlink",
  "copyfile",
  "ftruncate",
  "fsync",
];
const actions: ReadonlyMap<string, FileAction> = new Map(writing.map((syscall) => [syscall, "written"]));

/** `MuldeCommand` makes sentences of commander's other messages. */
function fromCommander({ code, message }: CommanderError): string {
  if (code === "commander.help") return "No command given; see mulde --help.";
  return message;
}

// A message quotes what is wrong, which may be long; the screen is for the rest of it.
const longest = 1000;

/** A message as people see it: on one line, and of a length that can be read. */
function readable(message: string): string {
  const line = shown(message);
  if (line.length <= longest) return line;
  return `${line.slice(0, longest * 0.6)} ... ${line.slice(-longest * 0.4)}`;
}
