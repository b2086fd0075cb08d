/** What text for people keeps to where no terminal says how wide it is, and in narrower ones. */
export const pageWidth = 80;

/** Columns that text may fill on a stream: those of its terminal, and at least 80. */
export function columnsOf({ isTTY, columns }: { readonly isTTY?: boolean; readonly columns?: number }): number {
  return isTTY && columns !== undefined ? Math.max(pageWidth, columns) : pageWidth;
}

/** Text broken between words into lines of at most `width` columns. Longer words, such as paths, stay whole. */
export function wrapped(text: string, width: number = pageWidth): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && lengthOf(line) + 1 + lengthOf(word) > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join("\n");
}

/** A command line broken into lines of at most `width` columns, as shells read it. */
export function continued(command: string, width: number): string {
  return wrapped(command, width - " \\".length - indent.length).replaceAll("\n", ` \\\n${indent}`);
}

const indent = "  ";

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
