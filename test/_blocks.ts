/** A fenced TypeScript block of a Markdown text. */
export interface Block {
  readonly code: string;
  /** line of its first line of code, from 1 */
  readonly line: number;
  /** false for ```ts no-run */
  readonly runs: boolean;
}

/** The TypeScript blocks of a Markdown text, in order. */
export function typescriptBlocks(markdown: string): Block[] {
  return [...markdown.matchAll(/^```ts( no-run)?\n([\s\S]*?)^```$/gm)].map((match) => ({
    code: match[2]!,
    line: markdown.slice(0, match.index).split("\n").length + 1,
    runs: match[1] === undefined,
  }));
}
