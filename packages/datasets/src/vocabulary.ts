import { closest, MuldeError } from "@mulde/errors";
import { badArgument, checkString, isObject } from "./_arguments.js";
import { BAD_NAME, NameTable, quoted, refuseName } from "./_names.js";

// A suggestion for a longer name would take seconds: the distance of two names takes the square of their length.
const MAX_SUGGESTED = 500;

/** Names with dense ids from 0. It is immutable. It makes strings on demand, so millions of names stay compact. */
export class Vocabulary implements Iterable<string> {
  readonly #table: NameTable;
  #names: readonly string[] | undefined;

  /** @internal Readers number names while they read. Use `fromNames`. */
  constructor(table: NameTable) {
    if (!(table instanceof NameTable))
      throw badArgument(["table"], "make a vocabulary with Vocabulary.fromNames", table);
    this.#table = table;
  }

  /**
   * A vocabulary whose ids are the positions of the names.
   * @throws MuldeError DATA_DUPLICATE_NAME if a name occurs twice, DATA_BAD_NAME if one is empty or has a tab, line feed, carriage return,
   * NUL or half a surrogate pair, all with the name as `value` and its position as `path`.
   */
  static fromNames(names: Iterable<string>): Vocabulary {
    if (!isObject(names) || !(Symbol.iterator in names)) {
      throw badArgument(["names"], "must be an array or another iterable of strings", names);
    }
    const table = new NameTable();
    let count = 0;
    for (const name of names) {
      checkString(name, ["names", count]);
      const id = table.internString(name);
      if (id === BAD_NAME) refuseName(name, { path: ["names", count] });
      if (id !== count) {
        throw new MuldeError(
          "DATA_DUPLICATE_NAME",
          `The name ${quoted(name)} occurs twice; give each id a name of its own.`,
          { path: ["names", count], value: name },
        );
      }
      count++;
    }
    return new Vocabulary(table);
  }

  /** How many names there are. */
  get size(): number {
    return this.#table.size;
  }

  /** All names in order of id. The array is made on first use, then kept. */
  get names(): readonly string[] {
    this.#names ??= Object.freeze(Array.from(this));
    return this.#names;
  }

  /**
   * The id of a name.
   * @throws MuldeError DATA_UNKNOWN_NAME, with the closest known name, if there is no such name.
   */
  id(name: string): number {
    checkString(name, ["name"]);
    const id = this.#table.find(name);
    if (id >= 0) return id;
    const near = name.length > MAX_SUGGESTED ? undefined : closest(name, this);
    const hint = near === undefined ? "use one of the vocabulary's names." : `did you mean ${JSON.stringify(near)}?`;
    throw new MuldeError("DATA_UNKNOWN_NAME", `There is no ${quoted(name)} among ${this.size} names; ${hint}`, {
      value: name,
    });
  }

  /** Whether a name is known. */
  has(name: string): boolean {
    checkString(name, ["name"]);
    return this.#table.find(name) >= 0;
  }

  /**
   * The name of an id.
   * @throws MuldeError DATA_ID_RANGE unless the id is in 0..size-1.
   */
  name(id: number): string {
    if (typeof id !== "number") throw badArgument(["id"], "must be a number", id);
    if (!Number.isInteger(id) || id < 0 || id >= this.size) {
      throw new MuldeError("DATA_ID_RANGE", `The id ${id} is not an integer in 0..${this.size - 1}.`, {
        value: id,
      });
    }
    return this.#names?.[id] ?? this.#table.name(id);
  }

  /** The names in order of id. */
  *[Symbol.iterator](): Iterator<string> {
    for (let id = 0; id < this.size; id++) yield this.#table.name(id);
  }

  /** @internal The UTF-8 bytes of all names in a row, and where each name ends. */
  contents(): { readonly bytes: Uint8Array; readonly ends: Uint32Array } {
    return this.#table.contents();
  }
}
