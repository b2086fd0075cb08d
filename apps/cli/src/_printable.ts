import { paintMark } from "./_paint.js";

// Control characters, and what turns the direction of text or starts a line without being one: a terminal acts on them instead of showing
// them, so that a name could hide, move or forge what stands around it.
const acting = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]/gu;
const paintedOrActing = new RegExp(`${paintMark.source}|${acting.source}`, "gu");

/** A name, or another text of one line, with the characters that terminals act on written as JSON writes them: \u001b, \n. */
export function shown(name: string): string {
  return name.replace(acting, escaped);
}

/** A text of several lines, painted or not, as it may be written to a terminal: only line ends, tabs and our own colours act. */
export function printable(text: string): string {
  return text.replace(paintedOrActing, (found, colour: string | undefined) => {
    if (colour !== undefined) return `\u001b[${colour}m`;
    return found === "\n" || found === "\t" ? found : escaped(found);
  });
}

function escaped(character: string): string {
  const short = JSON.stringify(character).slice(1, -1);
  return short === character ? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}` : short;
}
