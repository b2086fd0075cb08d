/** A record of WordNet's `data.*` files, reduced to what the graph needs. WordNet's manual page wndb(5) describes the format. */
export interface Synset {
  /** Part of speech (satellites count as adjectives) and byte offset. Pointers refer to it. */
  readonly key: string;
  /** NLTK's name: first word, part of speech (`s` for satellites), number among the word's senses. */
  readonly name: string;
  readonly gloss: string;
  /** The pointers with one of the given symbols: `relation` is the symbol's position, `target` a key. */
  readonly pointers: readonly { readonly relation: number; readonly target: string }[];
}

/** The synset offsets of each lower-case word, in order of sense number, from an `index.*` file. */
export function parseSenses(text: string): Map<string, readonly string[]> {
  const senses = new Map<string, readonly string[]>();
  for (const line of records(text)) {
    const fields = line.trimEnd().split(" ");
    // lemma pos synset_cnt p_cnt symbol... sense_cnt tagsense_cnt synset_offset...
    senses.set(fields[0]!, fields.slice(6 + Number(fields[3])));
  }
  return senses;
}

/** The synsets of a `data.*` file, with the pointers of the given symbols. */
export function parseSynsets(
  text: string,
  senses: ReadonlyMap<string, readonly string[]>,
  symbols: readonly string[],
): Synset[] {
  const synsets: Synset[] = [];
  for (const line of records(text)) {
    const bar = line.indexOf(" | ");
    // offset lex_filenum ss_type w_cnt(hex) word lex_id ... p_cnt symbol offset pos source/target ... | gloss
    const fields = line.slice(0, bar).split(" ");
    const offset = fields[0]!;
    const type = fields[2]!;
    // Adjectives may carry a syntactic marker: galore(ip).
    const word = fields[4]!.toLowerCase().replace(/\(\w+\)$/, "");
    const rank = (senses.get(word)?.indexOf(offset) ?? -1) + 1;
    const firstPointer = 5 + 2 * parseInt(fields[3]!, 16);
    const numPointers = Number(fields[firstPointer - 1]);
    const pointers: { relation: number; target: string }[] = [];
    for (let i = firstPointer; i < firstPointer + 4 * numPointers; i += 4) {
      const relation = symbols.indexOf(fields[i]!);
      if (relation >= 0) pointers.push({ relation, target: keyOf(fields[i + 2]!, fields[i + 1]!) });
    }
    synsets.push({
      key: keyOf(type, offset),
      name: `${word}.${type}.${String(rank).padStart(2, "0")}`,
      gloss: line.slice(bar + 3).trim(),
      pointers,
    });
  }
  return synsets;
}

/** The lines of a file, without the licence at its start, whose lines begin with a space. */
function records(text: string): string[] {
  return text.split("\n").filter((line) => line !== "" && !line.startsWith(" "));
}

function keyOf(type: string, offset: string): string {
  return (type === "s" ? "a" : type) + offset;
}
