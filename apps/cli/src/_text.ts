/** What text for people keeps to where no terminal says how wide it is, and in narrower ones. */
export const pageWidth = 80;

/** Columns that text may fill on a stream: those of its terminal, and at least 80. */
export function columnsOf({ isTTY, columns }: { readonly isTTY?: boolean; readonly columns?: number }): number {
  return isTTY && columns !== undefined ? Math.max(pageWidth, columns) : pageWidth;
}

/** Text broken between words into lines of at most `width` columns. Longer words, such as paths, stay whole. */
export function wrapped(text: string, width: number = pageWidth): string {
  return linesOf(text.split(" "), width).join("\n");
}

/** A command line, by its parts that stay whole, broken into lines of at most `width` columns as shells read it. */
export function continued(parts: readonly string[], width: number): string {
  return linesOf(parts, width - " \\".length - indent.length).join(` \\\n${indent}`);
}

const indent = "  ";

function linesOf(parts: readonly string[], width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const part of parts) {
    if (line !== "" && lengthOf(line) + 1 + lengthOf(part) > width) {
      lines.push(line);
      line = part;
    } else {
      line = line === "" ? part : `${line} ${part}`;
    }
  }
  return [...lines, line];
}

/** Text cut to `width` columns: in its middle, so that names differing at their end stay apart, or at its end. */
export function shortened(text: string, width: number, cut: "middle" | "end"): string {
  const letters = lettersOf(text);
  if (letters.length <= width) return text;
  const tail = cut === "middle" ? Math.floor((width - 1) / 2) : 0;
  const head = letters.slice(0, width - 1 - tail).join("");
  return `${head.trimEnd()}…${letters.slice(letters.length - tail).join("")}`;
}

/** Letters of a text: the columns that it takes, in scripts that have one a letter. */
export function lengthOf(text: string): number {
  return lettersOf(text).length;
}

const segmenter = new Intl.Segmenter("en");

function lettersOf(text: string): string[] {
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}
