import { isUtf8 } from "node:buffer";
import type { ErrorFields } from "@mulde/errors";
import { MuldeError } from "@mulde/errors";

/** `NameTable.intern` returns this for bytes that are not UTF-8. */
export const NOT_UTF8 = -1;
/** `NameTable.intern` returns this for names that a model's files cannot hold; `nameFault` says why. */
export const BAD_NAME = -2;

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;

// FNV-1a, 32 bits: one multiplication per byte, and names are short.
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

// With the flag u, only half a pair matches; a whole pair is one character of another category.
const LONE_SURROGATE = /\p{Cs}/u;

// An error quotes this much of a name.
const MAX_QUOTED = 80;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Distinct names as UTF-8 bytes, numbered from 0 in order of first appearance, in a hash table over one byte buffer. For millions of names,
 * a `Map<string, number>` needs several times the memory, and it holds at most 2^24 entries.
 */
export class NameTable {
  #bytes = new Uint8Array(1 << 12);
  /** Name i ends at `#ends[i]` in `#bytes`, and starts where its predecessor ends. */
  #ends = new Uint32Array(1 << 8);
  #hashes = new Int32Array(1 << 8);
  /** Open addressing with linear probing, a power of two in size, at most half full. Holds id + 1, so 0 means free. */
  #slots = new Int32Array(1 << 9);
  #size = 0;

  /** How many names there are. */
  get size(): number {
    return this.#size;
  }

  /** The id of the name in `source[start, end)`, added if it is new; `NOT_UTF8` or `BAD_NAME` if it cannot be a name. */
  intern(source: Uint8Array, start: number, end: number): number {
    const hash = hashBytes(source, start, end);
    const slot = this.#probe(source, start, end, hash);
    const found = this.#slots[slot]!;
    if (found !== 0) return found - 1;
    if (!isUtf8(source.subarray(start, end))) return NOT_UTF8;
    if (!isName(source, start, end)) return BAD_NAME;
    return this.#add(source, start, end, hash, slot);
  }

  /** The id of a string, added if it is new; `BAD_NAME` if it cannot be a name. */
  internString(name: string): number {
    // The encoder would replace half a surrogate pair in silence.
    if (LONE_SURROGATE.test(name)) return BAD_NAME;
    const bytes = encoder.encode(name);
    return this.intern(bytes, 0, bytes.length);
  }

  /** The id of a string; -1 if it has none. */
  find(name: string): number {
    const bytes = encoder.encode(name);
    return this.#slots[this.#probe(bytes, 0, bytes.length, hashBytes(bytes, 0, bytes.length))]! - 1;
  }

  /** The name of an id in 0..size-1. */
  name(id: number): string {
    return decoder.decode(this.#bytes.subarray(id === 0 ? 0 : this.#ends[id - 1]!, this.#ends[id]));
  }

  /** The bytes of all names in a row, and where each name ends: the input of the fingerprint. */
  contents(): { readonly bytes: Uint8Array; readonly ends: Uint32Array } {
    const ends = this.#ends.subarray(0, this.#size);
    return { bytes: this.#bytes.subarray(0, ends.at(-1) ?? 0), ends };
  }

  #add(source: Uint8Array, start: number, end: number, hash: number, slot: number): number {
    const id = this.#size;
    const from = id === 0 ? 0 : this.#ends[id - 1]!;
    const to = from + end - start;
    if (to > this.#bytes.length) this.#bytes = grown(this.#bytes, to);
    if (id === this.#ends.length) {
      this.#ends = grown(this.#ends, id + 1);
      this.#hashes = grown(this.#hashes, id + 1);
    }
    for (let i = start, o = from; i < end; i++, o++) this.#bytes[o] = source[i]!;
    this.#ends[id] = to;
    this.#hashes[id] = hash;
    this.#slots[slot] = id + 1;
    this.#size = id + 1;
    if (this.#size * 2 > this.#slots.length) this.#rehash();
    return id;
  }

  /** The slot that holds the name, or the free slot where it belongs. */
  #probe(source: Uint8Array, start: number, end: number, hash: number): number {
    const slots = this.#slots;
    const ends = this.#ends;
    const bytes = this.#bytes;
    const mask = slots.length - 1;
    const length = end - start;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = slots[slot]! - 1;
      if (id < 0) return slot;
      if (this.#hashes[id] !== hash) continue;
      const from = id === 0 ? 0 : ends[id - 1]!;
      if (ends[id]! - from !== length) continue;
      let i = 0;
      while (i < length && bytes[from + i] === source[start + i]) i++;
      if (i === length) return slot;
    }
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let id = 0; id < this.#size; id++) {
      let slot = this.#hashes[id]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id + 1;
    }
    this.#slots = slots;
  }
}

/** Whether UTF-8 bytes can be a name. `nameFault` has the same rule for strings. */
function isName(source: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = source[i]!;
    if (byte <= CR && (byte === TAB || byte === LF || byte === CR || byte === 0)) return false;
  }
  return end > start;
}

/**
 * Why a string cannot be a name, as a verb and its object; undefined if it can. A model directory keeps names in lines of tab-separated
 * text. No other program expects a NUL in a name.
 */
export function nameFault(name: string): string | undefined {
  if (name === "") return "is empty";
  if (name.includes("\t")) return "has a tab";
  if (name.includes("\n")) return "has a line feed";
  if (name.includes("\r")) return "has a carriage return";
  if (name.includes("\0")) return "has a NUL (as UTF-16 does, which must be converted to UTF-8)";
  return LONE_SURROGATE.test(name) ? "has half of a surrogate pair" : undefined;
}

/** @throws MuldeError DATA_BAD_NAME, at the given place, always: for a name that `NameTable` refused. */
export function refuseName(name: string, fields: Pick<ErrorFields, "file" | "line" | "path">): never {
  const fault = nameFault(name) ?? "is not valid";
  const subject = name === "" ? "A name" : `The name ${quoted(name)}`;
  const reason = `${subject} ${fault}, which a model's vocabulary files cannot hold; rename it.`;
  throw new MuldeError("DATA_BAD_NAME", reason, { ...fields, value: name });
}

/** A name in quotes for a message, cut where it would fill the screen. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > MAX_QUOTED ? `${name.slice(0, MAX_QUOTED)}...` : name);
}

function hashBytes(source: Uint8Array, start: number, end: number): number {
  let hash = FNV_OFFSET;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ source[i]!, FNV_PRIME);
  // The table uses the low bits, which are FNV's weakest.
  return hash ^ (hash >>> 15);
}

/** A copy of one and a half times the length, or of `needed` if that is more. */
export function grown<T extends Uint8Array | Uint32Array | Int32Array>(array: T, needed: number): T {
  const Type = array.constructor as new (length: number) => T;
  const copy = new Type(Math.max(needed, Math.ceil(array.length * 1.5)));
  copy.set(array);
  return copy;
}
