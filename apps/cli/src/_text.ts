/** What text for people keeps to where no terminal says how wide it is, and in narrower ones. */
export const pageWidth = 80;

/** Columns that text may fill on a stream: those of its terminal, and at least 80. */
export function columnsOf(stream: NodeJS.WriteStream): number {
  return stream.isTTY ? Math.max(pageWidth, stream.columns) : pageWidth;
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

/** Text cut to `width` columns: in its middle, so that names differing at their end stay apart, or at its end. */
export function shortened(text: string, width: number, cut: "middle" | "end"): string {
  const letters = [...text];
  if (letters.length <= width) return text;
  const tail = cut === "middle" ? Math.floor((width - 1) / 2) : 0;
  const head = letters.slice(0, width - 1 - tail).join("");
  return `${head.trimEnd()}…${letters.slice(letters.length - tail).join("")}`;
}

/** Characters of a text, as terminals count them for scripts that have one column a character. */
export function lengthOf(text: string): number {
  return [...text].length;
}

/** Names in a sentence: "a", "a or b", "a, b or c". */
export function either(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)!}`;
}
