import { quoted } from "./_quoted.js";

const [quote, backslash, colon, space] = [0x22, 0x5c, 0x3a, 0x20];
const [openObject, closeObject, openArray, closeArray] = [0x7b, 0x7d, 0x5b, 0x5d];

/**
 * What is wrong with a text that JSON.parse would accept: a key that an object has twice, of which the parser silently keeps the last, or
 * nesting that no such file has, which takes a hundred times its length in memory.
 *
 * @throws SyntaxError at some texts that are no JSON
 */
export function oddity(text: string, maxDepth: number): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === openObject || code === openArray) {
      open.push(code === openObject ? new Set() : undefined);
      if (open.length > maxDepth) return `nests deeper than ${maxDepth} levels`;
    } else if (code === closeObject || code === closeArray) open.pop();
    if (code !== quote) continue;
    const start = i;
    for (i++; i < text.length && text.charCodeAt(i) !== quote; i++) if (text.charCodeAt(i) === backslash) i++;
    if (!isKey(text, i + 1)) continue;
    const key = JSON.parse(text.slice(start, i + 1)) as string;
    const keys = open.at(-1);
    if (keys?.has(key)) return `has the key ${quoted(key)} twice`;
    keys?.add(key);
  }
  return undefined;
}

/** Whether a string that ends before a position is a key: a colon follows, perhaps after spaces and line ends. */
function isKey(text: string, after: number): boolean {
  let i = after;
  while (i < text.length && text.charCodeAt(i) <= space) i++;
  return text.charCodeAt(i) === colon;
}
