/** Reads the YAML of the README: nested maps, `- { flow: maps }` and scalars. No package of YAML is a dependency here. */
export function parse(text: string): unknown {
  const root: Record<string, unknown> = {};
  let section: Record<string, unknown> = root;
  let list: unknown[] = [];
  for (const line of text.split("\n").map((raw) => raw.replace(/\s+#.*$/, ""))) {
    const item = /^ {2}- (.+)$/.exec(line);
    const pair = /^( *)([A-Za-z]+):(?: (.+))?$/.exec(line);
    if (item) {
      list.push(value(item[1]!));
    } else if (pair) {
      const [, indent, key, rest] = pair;
      if (indent) section[key!] = value(rest!);
      else if (rest !== undefined) root[key!] = value(rest);
      else {
        section = {};
        list = [];
        root[key!] = key === "teachers" ? list : section;
      }
    } else if (line !== "") {
      throw new Error(`not understood: ${line}`);
    }
  }
  return root;
}

function value(text: string): unknown {
  const map = /^\{ (.+) \}$/.exec(text);
  if (map)
    return Object.fromEntries(
      map[1]!
        .split(", ")
        .map((pair) => pair.split(": "))
        .map(([k, v]) => [k, value(v!)]),
    );
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
