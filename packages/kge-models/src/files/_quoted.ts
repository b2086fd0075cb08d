// Names and shapes come from files, and a message is one line.
const shown = 80;

/** A name from a file, for a message: quoted, of bounded length. */
export function quoted(name: string): string {
  return JSON.stringify(cut(name));
}

/** A shape for a message, of bounded length. */
export function shapeText(shape: readonly number[]): string {
  return `[${cut(shape.join(", "))}]`;
}

function cut(text: string): string {
  return text.length > shown ? `${text.slice(0, shown)}...` : text;
}
