import { MuldeError } from "@mulde/errors";
import { type OpenFile, readPieces } from "./_reading.js";

// No name is so long; a file without line ends would fill the memory.
const maxLine = 1 << 20;

/** The lines of a vocabulary file: id, tab, name, in the order of the ids. */
export function* vocabularyLines(names: readonly string[]): Generator<string> {
  for (let id = 0; id < names.length; id++) yield `${id}\t${names[id]}\n`;
}

/**
 * Reads the names of a vocabulary file. Line ends may be those of Windows.
 *
 * @param size - How many names there must be.
 * @throws MuldeError MODELS_FILE with the file and the line
 */
export async function readVocabulary(file: OpenFile, size: number): Promise<string[]> {
  const names: string[] = [];
  const refuse: Refuse = (line, reason) => new MuldeError("MODELS_FILE", reason, { file: file.path, line });
  for await (const lines of linesOf(file, refuse)) {
    for (const line of lines) {
      const id = names.length;
      if (id === 0 && line.startsWith("\ufeff")) {
        throw refuse(1, "The file starts with a byte order mark; save it as UTF-8 without one.");
      }
      const tab = line.indexOf("\t");
      if (tab < 0 || line.slice(0, tab) !== String(id)) throw refuse(id + 1, `Expected "${id}", a tab and a name.`);
      if (id >= size) throw refuse(id + 1, `This is name ${id + 1}, but config.json says ${size}.`);
      const name = line.endsWith("\r") ? line.slice(tab + 1, -1) : line.slice(tab + 1);
      const flaw = flawOf(name);
      if (flaw !== undefined) throw refuse(id + 1, `The name ${flaw}; restore the file.`);
      names.push(name);
    }
  }
  if (names.length !== size) {
    throw new MuldeError("MODELS_FILE", `The file holds ${names.length} names, but config.json says ${size}.`, {
      file: file.path,
    });
  }
  const twice = repeated(names);
  if (twice) {
    const [first, second] = twice;
    throw refuse(second + 1, `The name ${JSON.stringify(names[first])} is also in line ${first + 1}; rename one.`);
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
  if (!isList(names)) {
    throw new MuldeError("MODELS_NAMES", "must be a list of names.", { path: [what], value: names });
  }
  if (names.length !== size) {
    throw new MuldeError("MODELS_NAMES", `The model has ${size} ${what}, but ${names.length} names were given.`, {
      path: [what],
    });
  }
  const at = names.findIndex((name) => flawOf(name) !== undefined);
  if (at < 0) return;
  const flaw = flawOf(names[at]!)!;
  const name = String(names[at]);
  throw new MuldeError(
    "MODELS_NAMES",
    `The name ${JSON.stringify(name.slice(0, 80))} ${flaw}, which entities.tsv and relations.tsv cannot hold; rename it.`,
    { path: [what, at], value: name },
  );
}

/**
 * Refuses a name that two ids have: nobody could ask for either.
 *
 * @throws MuldeError MODELS_NAMES
 */
export function checkUnique(names: readonly string[], what: string): void {
  const twice = repeated(names);
  if (!twice) return;
  const name = names[twice[0]]!;
  throw new MuldeError(
    "MODELS_NAMES",
    `The ids ${twice[0]} and ${twice[1]} are both named ${JSON.stringify(name)}; rename one of them.`,
    { path: [what, twice[1]], value: name },
  );
}

/** Why a name cannot stand in a vocabulary file. */
function flawOf(name: string): string | undefined {
  if (typeof (name as unknown) !== "string") return "is no text";
  if (/[\t\r\n]/.test(name)) return "holds a tab or a line break";
  if (name.includes("\0")) return "holds a NUL";
  // A lone surrogate has no UTF-8: it would come back as another character.
  if (/\p{Surrogate}/u.test(name)) return "holds half a surrogate pair";
  return name.length * 3 > maxLine - 32 ? `has ${name.length} characters` : undefined;
}

/** The ids of the first name that is there twice. */
function repeated(names: readonly string[]): [number, number] | undefined {
  if (new Set(names).size === names.length) return undefined;
  const ids = new Map<string, number>();
  for (const [id, name] of names.entries()) {
    const first = ids.get(name);
    if (first !== undefined) return [first, id];
    ids.set(name, id);
  }
  return undefined;
}

type Refuse = (line: number, reason: string) => MuldeError;

const newline = 10;

/** The lines of a file in lists, each of a piece that was read. */
async function* linesOf(file: OpenFile, refuse: Refuse): AsyncGenerator<string[]> {
  let before = 0;
  let rest = new Uint8Array();
  for await (const piece of readPieces(file)) {
    const bytes = new Uint8Array(rest.length + piece.length);
    bytes.set(rest);
    bytes.set(piece, rest.length);
    const end = bytes.lastIndexOf(newline) + 1;
    const lines = decoded(bytes.subarray(0, end), before, refuse);
    yield lines;
    before += lines.length;
    rest = bytes.slice(end);
    if (rest.length > maxLine) throw refuse(before + 1, `The line is longer than ${maxLine} bytes; restore the file.`);
  }
  yield decoded(rest, before, refuse);
}

const decoder = /* @__PURE__ */ new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Splits bytes into lines; `before` lines came earlier. */
function decoded(bytes: Uint8Array, before: number, refuse: Refuse): string[] {
  let text;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw refuse(before + firstMalformed(bytes), "The line is not UTF-8; restore the file, or save it as UTF-8.");
  }
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/** The number of the first line that is not UTF-8, from 1. */
function firstMalformed(bytes: Uint8Array): number {
  for (let line = 1, start = 0; ; line++) {
    const end = bytes.indexOf(newline, start);
    try {
      decoder.decode(bytes.subarray(start, end < 0 ? bytes.length : end));
    } catch {
      return line;
    }
    start = end + 1;
  }
}

/** Whether this is an array; keeps the type that the compiler knows. */
function isList(value: unknown): boolean {
  return Array.isArray(value);
}
