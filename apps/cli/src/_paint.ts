import { randomInt } from "node:crypto";

/** Colours of a stream: none unless it is a terminal and NO_COLOR is not set (https://no-color.org). */
export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
}

// Further parameters of our colours, which no name can know: `printable` lets only these through, and takes the parameters out. Tables
// measure painted text, and know sequences of up to four digits a parameter.
const secret = [randomInt(1000, 10_000), randomInt(1000, 10_000)].join(";");

/** What `paint` writes for a colour; its group is the colour's own code. */

export const paintMark = new RegExp(`\u001b\\[(\\d+);${secret}m`);

/** The colours that a stream may have. What is painted must be written by `Output`, `reportError` or the bars. */
export function paint(stream: NodeJS.WriteStream): Paint {
  const on = stream.isTTY && !process.env.NO_COLOR;
  const style =
    (open: number, close: number) =>
    (text: string): string =>
      on ? `\u001b[${open};${secret}m${text}\u001b[${close};${secret}m` : text;
  return { bold: style(1, 22), dim: style(2, 22), red: style(31, 39) };
}
