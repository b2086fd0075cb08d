import type { TripleList } from "./triples.js";

// The multipliers of SplitMix32's output function (see `Random`), which spreads neighbouring ids over the table.
const MIX_1 = 0x21f0aaad;
const MIX_2 = 0x735a2d97;

/**
 * Distinct triples in order of first appearance, up to a fixed number: three columns and a hash table of positions in them, 20 to 28 bytes a
 * triple. A `Set` of keys needs several times that and holds at most 2^24 entries.
 */
export class DistinctTriples {
  readonly #heads: Int32Array;
  readonly #relations: Int32Array;
  readonly #tails: Int32Array;
  /** Open addressing with linear probing, a power of two in size, at most half full. Holds position + 1, so 0 means free. */
  readonly #slots: Int32Array;
  #length = 0;

  constructor(capacity: number) {
    this.#heads = new Int32Array(capacity);
    this.#relations = new Int32Array(capacity);
    this.#tails = new Int32Array(capacity);
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * capacity)));
  }

  get length(): number {
    return this.#length;
  }

  /** Adds a triple; returns whether it is new. There must be room for it. */
  add(head: number, relation: number, tail: number): boolean {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = hash(head, relation, tail) & mask; ; slot = (slot + 1) & mask) {
      const at = slots[slot]! - 1;
      if (at < 0) {
        slots[slot] = this.#length + 1;
        break;
      }
      if (this.#heads[at] === head && this.#tails[at] === tail && this.#relations[at] === relation) return false;
    }
    this.#heads[this.#length] = head;
    this.#relations[this.#length] = relation;
    this.#tails[this.#length++] = tail;
    return true;
  }

  /** The triples so far: views, not copies. */
  triples(): TripleList {
    const length = this.#length;
    return {
      heads: this.#heads.subarray(0, length),
      relations: this.#relations.subarray(0, length),
      tails: this.#tails.subarray(0, length),
      length,
    };
  }
}

function hash(head: number, relation: number, tail: number): number {
  return mixed(mixed(mixed(head) ^ relation) ^ tail);
}

function mixed(word: number): number {
  // The constant keeps 0 from staying 0.
  let z = (word + 0x9e3779b9) | 0;
  z = Math.imul(z ^ (z >>> 16), MIX_1);
  z = Math.imul(z ^ (z >>> 15), MIX_2);
  return z ^ (z >>> 15);
}
