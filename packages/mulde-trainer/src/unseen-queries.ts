import type { TripleList } from "@mulde/datasets";
import { Random } from "@mulde/kernels";
import { type Batch, seedOf } from "./data.js";

// A random stream of a run (see `seedOf`).
const stream = -6;

/**
 * Queries (h, r, ?) that need not have an answer in the training split, for teachers to answer: what they know beyond the facts shows
 * there. A walk makes them plausible: from a training query (h, r1, ?) to another head h2 of r1, and on to a query (h2, r, ?) of it. So h is
 * asked for what entities like it are asked for.
 */
export class UnseenQueries {
  readonly #queries: TripleList;
  readonly #byHead: Groups;
  readonly #byRelation: Groups;
  readonly #seed: number;

  constructor(queries: TripleList, seed: number) {
    this.#queries = queries;
    this.#byHead = groups(queries.heads);
    this.#byRelation = groups(queries.relations);
    this.#seed = seedOf(seed, stream);
  }

  /** `size` queries for a step; their tails are -1, as no answer is known. */
  draw({ epoch, step }: Batch, size: number): Batch {
    const { heads, relations, length } = this.#queries;
    const random = new Random(seedOf(this.#seed, step));
    const below = (n: number): number => Math.floor(random.uniform() * n);
    const batch = {
      epoch,
      step,
      heads: new Int32Array(size),
      relations: new Int32Array(size),
      tails: new Int32Array(size).fill(-1),
    };
    for (let i = 0; i < size; i++) {
      const start = below(length);
      const alike = heads[pick(this.#byRelation, relations[start]!, below)]!;
      batch.heads[i] = heads[start]!;
      batch.relations[i] = relations[pick(this.#byHead, alike, below)]!;
    }
    return batch;
  }
}

/** Positions by what stands there: those of value v are positions[offsets[v] .. offsets[v + 1]). */
interface Groups {
  readonly offsets: Int32Array;
  readonly positions: Int32Array;
}

function groups(values: Int32Array): Groups {
  const offsets = new Int32Array(values.reduce((most, v) => Math.max(most, v), 0) + 2);
  for (const v of values) offsets[v + 1]!++;
  for (let v = 1; v < offsets.length; v++) offsets[v]! += offsets[v - 1]!;
  const next = offsets.slice();
  const positions = new Int32Array(values.length);
  values.forEach((v, i) => (positions[next[v]!++] = i));
  return { offsets, positions };
}

function pick({ offsets, positions }: Groups, value: number, below: (n: number) => number): number {
  const begin = offsets[value]!;
  return positions[begin + below(offsets[value + 1]! - begin)]!;
}
