import { closest, MuldeError } from "@mulde/errors";

/**
 * Looking a few names up in the list itself is faster than making a map of all of it: a command asks for two names of perhaps a
 * million.
 */
const LOOKUPS_WITHOUT_MAP = 8;

/** The names of a model's entities or relations, in the order of their ids. */
export class Names implements Iterable<string> {
  readonly #kind: "entity" | "relation";
  #ids: Map<string, number> | undefined;
  #lookups = 0;

  /** @internal `openModel` and `NamedModel` make them. */
  constructor(
    /** all names in the order of their ids */
    readonly names: readonly string[],
    kind: "entity" | "relation",
  ) {
    this.#kind = kind;
  }

  /** How many names there are. */
  get size(): number {
    return this.names.length;
  }

  /** Whether there is such a name. */
  has(name: string): boolean {
    return this.#find(name) !== undefined;
  }

  /**
   * The id of a name.
   *
   * @throws MuldeError MODELS_UNKNOWN_NAME, with the name that may be meant; MODELS_NAMES if two ids have the name
   */
  id(name: string): number {
    const id = this.#find(name);
    if (id === undefined) throw this.#unknown(name);
    if (id >= 0) return id;
    const [first, last] = [this.names.indexOf(name), this.names.lastIndexOf(name)];
    throw new MuldeError(
      "MODELS_NAMES",
      `The ids ${first} and ${last} are both named ${JSON.stringify(name)}; rename one of them in the model's files.`,
      { value: name },
    );
  }

  /**
   * The name of an id.
   *
   * @throws MuldeError MODELS_ID if the id is not in 0..size-1
   */
  name(id: number): string {
    const name = this.names[id];
    if (name !== undefined) return name;
    throw new MuldeError("MODELS_ID", `The ${this.#kind} ids go from 0 to ${this.size - 1}, but this is ${id}.`, {
      value: id,
    });
  }

  /** The names in the order of their ids. */
  [Symbol.iterator](): Iterator<string> {
    return this.names[Symbol.iterator]();
  }

  /** The id, -1 if several ids have the name, or undefined. */
  #find(name: string): number | undefined {
    if (!this.#ids && ++this.#lookups <= LOOKUPS_WITHOUT_MAP) {
      const id = this.names.indexOf(name);
      if (id < 0) return undefined;
      return this.names.includes(name, id + 1) ? -1 : id;
    }
    if (!this.#ids) {
      this.#ids = new Map();
      for (const [id, known] of this.names.entries()) this.#ids.set(known, this.#ids.has(known) ? -1 : id);
    }
    return this.#ids.get(name);
  }

  #unknown(name: string): MuldeError {
    const file = this.#kind === "entity" ? "entities.tsv" : "relations.tsv";
    const hint = likeness(name, this.names) ?? `look for it in ${file}.`;
    return new MuldeError("MODELS_UNKNOWN_NAME", `The model has no ${this.#kind} ${JSON.stringify(name)}; ${hint}`, {
      value: name,
    });
  }
}

/** Which name may be meant by one that is not in the list, as the end of a sentence. */
function likeness(name: string, names: readonly string[]): string | undefined {
  const composed = name.normalize("NFC");
  const sameForm = names.find((known) => known.normalize("NFC") === composed);
  if (sameForm !== undefined) {
    return `it has the same name in another Unicode form: the model's is ${formOf(sameForm)}, yours ${formOf(name)}. Normalize yours.`;
  }
  const bare = withoutBlanks(composed);
  const sameBare = names.find((known) => withoutBlanks(known.normalize("NFC")) === bare);
  if (sameBare !== undefined) return `it has ${JSON.stringify(sameBare)}, which differs in blanks only.`;
  const near = closest(name, names);
  return near === undefined ? undefined : `did you mean ${JSON.stringify(near)}?`;
}

function formOf(name: string): string {
  return ["NFC", "NFD"].find((form) => name.normalize(form) === name) ?? "neither NFC nor NFD";
}

/** Blanks of all widths, and none. */
function withoutBlanks(name: string): string {
  return name.replace(/[\s\u200b\u2060]/gu, "");
}
