import { MuldeError } from "@mulde/errors";

/** The text of a vocabulary file: id, tab, name on each line, in the order of the ids. */
export function encodeVocabulary(names: readonly string[]): string {
  return names.map((name, id) => `${id}\t${name}\n`).join("");
}

/**
 * The names in a vocabulary file.
 *
 * @param size - How many names there must be.
 * @throws MuldeError MODELS_FILE with the file, and the line if one is malformed
 */
export function decodeVocabulary(text: string, file: string, size: number): string[] {
  // No name holds a carriage return, so that an editor has put it there.
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  const names = lines.map((line, i) => {
    const tab = line.indexOf("\t");
    if (tab < 0 || line.slice(0, tab) !== String(i)) {
      throw new MuldeError("MODELS_FILE", `Expected "${i}", a tab and a name.`, { file, line: i + 1 });
    }
    return line.slice(tab + 1);
  });
  if (names.length !== size) {
    throw new MuldeError("MODELS_FILE", `The file holds ${names.length} names, but config.json says ${size}.`, {
      file,
    });
  }
  return names;
}

/**
 * Refuses names that a vocabulary file cannot hold.
 *
 * @param what - What the names are of: "entities" or "relations", the path of errors.
 * @param size - How many names there must be.
 * @throws MuldeError MODELS_NAMES
 */
export function checkNames(names: readonly string[], what: string, size: number): void {
  if (names.length !== size) {
    throw new MuldeError("MODELS_NAMES", `The model has ${size} ${what}, but ${names.length} names were given.`, {
      path: [what],
    });
  }
  const at = names.findIndex((name) => /[\t\r\n]/.test(name));
  if (at < 0) return;
  throw new MuldeError(
    "MODELS_NAMES",
    `The name ${JSON.stringify(names[at])} holds a tab or a line break, which entities.tsv and relations.tsv cannot; rename it.`,
    { path: [what, at], value: names[at] },
  );
}
