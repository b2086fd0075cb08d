import { isUtf8 } from "node:buffer";
import { MuldeError } from "@mulde/errors";
import { TripleBuilder } from "./_builder.js";
import { forEachLine } from "./_lines.js";
import { NameTable, nameFault, quoted, refuseName } from "./_names.js";
import type { Source } from "./_source.js";
import type { Splits } from "./_splits.js";
import type { TripleList } from "./triples.js";
import { Vocabulary } from "./vocabulary.js";

type OpenKeFiles = Extract<Splits, { format: "openke" }>;

/** The contents of a data set's files. */
export interface Graph {
  readonly entities: Vocabulary;
  readonly relations: Vocabulary;
  readonly train: TripleList;
  readonly valid: TripleList;
  readonly test: TripleList;
}

/** Reads OpenKE's id files. Each starts with its number of lines; then names with ids, or triples as head, tail, relation. */
export async function readOpenKe(files: OpenKeFiles, signal: AbortSignal | undefined): Promise<Graph> {
  const entities = await readVocabulary(files.entities, signal);
  const relations = await readVocabulary(files.relations, signal);
  const read = async (source: Source): Promise<TripleList> => {
    return readIdTriples(source, signal, entities.size, relations.size);
  };
  return {
    entities,
    relations,
    train: await read(files.train),
    valid: await read(files.valid),
    test: await read(files.test),
  };
}

async function readVocabulary(source: Source, signal: AbortSignal | undefined): Promise<Vocabulary> {
  const path = source.name;
  const names: string[] = [];
  const seen = new NameTable();
  const count = await readCounted(source, signal, (bytes, start, end, line, count) => {
    if (!isUtf8(bytes.subarray(start, end))) throw wrong(path, line, "must be UTF-8");
    // The id is the last field, because names may contain spaces.
    const { name, id } = nameAndId(bytes.toString("utf8", start, end)) ?? {};
    if (name === undefined || id === undefined || id >= count) {
      throw wrong(path, line, `must be a name and an id in 0..${count - 1}`);
    }
    if (names[id] !== undefined) throw wrong(path, line, `gives the id ${id} a second time`);
    if (nameFault(name) !== undefined) refuseName(name, { file: path, line });
    const before = seen.size;
    if (seen.internString(name) < before) {
      const reason = `The name ${quoted(name)} occurs twice; give each id a name of its own.`;
      throw new MuldeError("DATA_DUPLICATE_NAME", reason, { file: path, line, value: name });
    }
    names[id] = name;
  });
  if (count === 0) {
    const reason = "the file has no names; check that it is the right one.";
    throw new MuldeError("DATA_EMPTY", reason, { file: path });
  }
  return Vocabulary.fromNames(names);
}

/** The parts of a line such as "New York\t7"; undefined if it has no name or no id. */
function nameAndId(line: string): { readonly name: string; readonly id: number } | undefined {
  const text = withoutBlanks(line);
  const blank = Math.max(text.lastIndexOf(" "), text.lastIndexOf("\t"));
  const digits = text.slice(blank + 1);
  const name = withoutBlanks(text.slice(0, Math.max(blank, 0)));
  return name === "" || !/^\d{1,10}$/.test(digits) ? undefined : { name, id: Number(digits) };
}

/** Without spaces and tabs at the end. A regular expression takes the square of a run of blanks within. */
function withoutBlanks(text: string): string {
  let end = text.length;
  while (text[end - 1] === " " || text[end - 1] === "\t") end--;
  return text.slice(0, end);
}

async function readIdTriples(
  source: Source,
  signal: AbortSignal | undefined,
  numEntities: number,
  numRelations: number,
): Promise<TripleList> {
  const path = source.name;
  const builder = new TripleBuilder();
  const ids = new Int32Array(3);
  await readCounted(source, signal, (bytes, start, end, line) => {
    if (!parseIds(bytes, start, end, ids)) throw wrong(path, line, "must be three ids: head, tail, relation");
    const [head, tail, relation] = ids as unknown as readonly [number, number, number];
    if (head >= numEntities || tail >= numEntities || relation >= numRelations) {
      throw wrong(path, line, `names an id beyond ${numEntities} entities and ${numRelations} relations`);
    }
    builder.push(head, relation, tail);
  });
  return builder.takeTriples();
}

/** Visits the lines after the first, which states their number; returns that number. */
async function readCounted(
  source: Source,
  signal: AbortSignal | undefined,
  visit: (bytes: Buffer, start: number, end: number, line: number, count: number) => void,
): Promise<number> {
  const path = source.name;
  let count = -1;
  let seen = 0;
  await forEachLine(source, signal, (bytes, start, end, line) => {
    if (count >= 0) {
      seen++;
      visit(bytes, start, end, line, count);
      return;
    }
    const text = bytes.toString("utf8", start, end).trim();
    if (!/^\d{1,15}$/.test(text)) throw wrong(path, line, "must be the number of lines that follow");
    count = Number(text);
  });
  if (count !== seen) {
    const said = count < 0 ? "no number of lines" : `${count} lines`;
    throw new MuldeError("DATA_COUNT_MISMATCH", `the file announces ${said}, but has ${seen}; fetch it again.`, {
      file: path,
      value: count,
    });
  }
  return count;
}

/** Reads exactly three whole numbers between blanks; returns false if the line holds anything else. */
function parseIds(bytes: Uint8Array, start: number, end: number, ids: Int32Array): boolean {
  let at = start;
  for (let field = 0; field < 3; field++) {
    while (at < end && isBlank(bytes[at]!)) at++;
    const from = at;
    let id = 0;
    for (; at < end && !isBlank(bytes[at]!); at++) {
      const digit = bytes[at]! - 0x30;
      if (digit < 0 || digit > 9) return false;
      id = id * 10 + digit;
    }
    if (at === from || id > 0x7fffffff) return false;
    ids[field] = id;
  }
  while (at < end && isBlank(bytes[at]!)) at++;
  return at === end;
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09;
}

function wrong(file: string, line: number, what: string): MuldeError {
  return new MuldeError("DATA_MALFORMED_LINE", `the line ${what}; correct it.`, { file, line });
}
