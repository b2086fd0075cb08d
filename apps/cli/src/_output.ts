import { createRequire } from "node:module";

/** This package's version; the path is the same from `src/` and from `dist/`. */
export const version = (createRequire(import.meta.url)("../package.json") as { version: string }).version;

/** Colours of a stream: none unless it is a terminal and NO_COLOR is not set (https://no-color.org). */
export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
}

/** The colours that a stream may have. */
export function paint(stream: NodeJS.WriteStream): Paint {
  const on = stream.isTTY && !process.env.NO_COLOR;
  const style =
    (open: number, close: number) =>
    (text: string): string =>
      on ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return { bold: style(1, 22), dim: style(2, 22), red: style(31, 39) };
}

/** Where a command writes: its result to stdout, everything else to stderr. */
export class Output {
  /** @param json - Whether the result is one line of JSON instead of text for people. */
  constructor(readonly json: boolean) {}

  /** A line for people who watch, on stderr. */
  log(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  /** The result, on stdout: `value` as JSON, or what `text` makes of it. */
  result(value: unknown, text: () => string): void {
    process.stdout.write(`${this.json ? JSON.stringify(value) : text()}\n`);
  }
}
