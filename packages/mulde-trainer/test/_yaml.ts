/**
 * Reads the YAML of the documentation: maps and lists by indentation, flow collections, and scalars. No package for YAML is a dependency
 * here.
 */
export function parse(text: string): unknown {
  const lines = text
    .split("\n")
    .map((line) => line.replace(/\s+#.*$/, ""))
    .filter((line) => line.trim() !== "");
  return block(lines, 0);
}

/** A map or list whose lines are all indented by `indent` or more. */
function block(lines: readonly string[], indent: number): unknown {
  if (lines[0]!.startsWith("- ", indent)) return lines.map((line) => flow(line.slice(indent + 2)));
  const map: Record<string, unknown> = {};
  for (let i = 0; i < lines.length; i++) {
    const [, key, rest] = /^ *([\w-]+):(?: (.+))?$/.exec(lines[i]!) ?? [];
    if (key === undefined) throw new Error(`not understood: ${lines[i]}`);
    if (rest !== undefined) {
      map[key] = flow(rest);
      continue;
    }
    const inner = lines.slice(i + 1).findIndex((line) => !line.startsWith(" ".repeat(indent + 2)));
    const end = inner < 0 ? lines.length : i + 1 + inner;
    map[key] = block(lines.slice(i + 1, end), indent + 2);
    i = end - 1;
  }
  return map;
}

/** A value in one line: JSON, once its bare words are in quotes. */
function flow(text: string): unknown {
  return JSON.parse(
    text.replaceAll(/[A-Za-z][\w./-]*/g, (word) => (/^(true|false|null)$/.test(word) ? word : JSON.stringify(word))),
  );
}
