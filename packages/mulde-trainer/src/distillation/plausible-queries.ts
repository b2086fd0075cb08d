import type { TripleList } from "@mulde/datasets";
import { streamAt } from "../run/streams.js";
import type { Batch } from "../step/block.js";
import type { QuerySource } from "../step/parts.js";

/**
 * Plausible queries (h, r, ?), with or without a known answer, for teachers to answer: their answers hold what they know beyond the facts. A walk
 * draws them: from a training query (h, r1, ?) to another head h2 of r1, and on to a query (h2, r, ?). So h is asked what entities like it
 * are asked.
 */
export class PlausibleQueries implements QuerySource {
  readonly name = "plausible";
  readonly #queries: TripleList;
  readonly #byHead: Groups;
  readonly #byRelation: Groups;
  readonly #ratio: number;
  readonly #seed: number;

  /**
   * @param queries - the training queries
   * @param ratio - plausible queries for each training query
   */
  constructor(queries: TripleList, ratio: number, seed: number) {
    this.#queries = queries;
    this.#byHead = groups(queries.heads);
    this.#byRelation = groups(queries.relations);
    this.#ratio = ratio;
    this.#seed = seed;
  }

  /** One at least, so that the last and smallest batch has some too. */
  size(B: number): number {
    return Math.ceil(B * this.#ratio);
  }

  draw({ epoch, step, heads: asked }: Batch): Batch {
    const { heads, relations, length } = this.#queries;
    const random = streamAt(this.#seed, "plausibleQueries", step);
    const below = (n: number): number => Math.floor(random.uniform() * n);
    const size = this.size(asked.length);
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
