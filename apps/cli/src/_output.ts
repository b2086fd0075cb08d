import { createRequire } from "node:module";
import { printable } from "./_printable.js";

/** This package's version; the path is the same from `src/` and from `dist/`. */
export const version = (createRequire(import.meta.url)("../package.json") as { version: string }).version;

/** Where a command writes: its result to stdout, everything else to stderr. */
export class Output {
  /** @param json - Whether the result is one line of JSON instead of text for people. */
  constructor(readonly json: boolean) {}

  /** A line for people who watch, on stderr. */
  log(line: string): void {
    process.stderr.write(`${printable(line)}\n`);
  }

  /** The result, on stdout: `value` as JSON, or what `text` makes of it. */
  result(value: unknown, text: () => string): void {
    process.stdout.write(`${this.json ? JSON.stringify(value) : printable(text())}\n`);
  }
}
