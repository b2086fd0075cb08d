import { NameTable, grown } from "./_names.js";
import type { TripleList } from "./triples.js";
import { Vocabulary } from "./vocabulary.js";

/** Collects triples while a reader reads: two name tables shared by all splits, and the columns of the current split. */
export class TripleBuilder {
  readonly entities = new NameTable();
  readonly relations = new NameTable();
  #heads = new Int32Array(1 << 10);
  #relations = new Int32Array(1 << 10);
  #tails = new Int32Array(1 << 10);
  #length = 0;

  /** How many triples the current split holds. */
  get length(): number {
    return this.#length;
  }

  push(head: number, relation: number, tail: number): void {
    const at = this.#length++;
    if (at === this.#heads.length) {
      this.#heads = grown(this.#heads, at + 1);
      this.#relations = grown(this.#relations, at + 1);
      this.#tails = grown(this.#tails, at + 1);
    }
    this.#heads[at] = head;
    this.#relations[at] = relation;
    this.#tails[at] = tail;
  }

  /** The triples since the last call; the next split starts empty. */
  takeTriples(): TripleList {
    const length = this.#length;
    const triples = {
      heads: this.#heads.slice(0, length),
      relations: this.#relations.slice(0, length),
      tails: this.#tails.slice(0, length),
      length,
    };
    this.#heads = new Int32Array(1 << 10);
    this.#relations = new Int32Array(1 << 10);
    this.#tails = new Int32Array(1 << 10);
    this.#length = 0;
    return triples;
  }

  vocabularies(): { readonly entities: Vocabulary; readonly relations: Vocabulary } {
    return { entities: new Vocabulary(this.entities), relations: new Vocabulary(this.relations) };
  }
}
