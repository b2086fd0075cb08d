import type { TripleList } from "./triples.js";

const NONE = new Int32Array(0);

/** Known answers in three columns, sorted by head, then relation, then tail. It holds both directions of every triple. */
export class AnswerTable {
  readonly #numRelations: number;
  readonly #headStart: Int32Array;
  readonly #relations: Int32Array;
  readonly #tails: Int32Array;

  constructor(numEntities: number, numRelations: number, splits: readonly TripleList[]) {
    const headStart = new Int32Array(numEntities + 1);
    for (const { heads, tails, length } of splits) {
      for (let i = 0; i < length; i++) {
        headStart[heads[i]! + 1]!++;
        headStart[tails[i]! + 1]!++;
      }
    }
    for (let e = 0; e < numEntities; e++) headStart[e + 1]! += headStart[e]!;

    // relation * N + tail is one number that sorts as the pair does. It is an exact float64 below 2^53, which 32-bit ids do not reach
    // with any realistic number of relations. Three packed ids would, so the head is not packed.
    const packed = new Float64Array(headStart[numEntities]!);
    const next = headStart.slice();
    for (const { heads, relations, tails, length } of splits) {
      for (let i = 0; i < length; i++) {
        const head = heads[i]!;
        const tail = tails[i]!;
        packed[next[head]!++] = relations[i]! * numEntities + tail;
        packed[next[tail]!++] = (relations[i]! + numRelations) * numEntities + head;
      }
    }

    // Sort each head's pairs, drop duplicates, and close the gaps.
    let kept = 0;
    for (let e = 0; e < numEntities; e++) {
      const keys = packed.subarray(headStart[e], headStart[e + 1]).sort();
      const start = kept;
      for (const key of keys) {
        if (kept === start || packed[kept - 1] !== key) packed[kept++] = key;
      }
      headStart[e] = start;
    }
    headStart[numEntities] = kept;

    this.#numRelations = numRelations;
    this.#headStart = headStart;
    this.#relations = Int32Array.from({ length: kept }, (_, i) => Math.floor(packed[i]! / numEntities));
    this.#tails = Int32Array.from({ length: kept }, (_, i) => packed[i]! % numEntities);
  }

  /** The known tails of (head, relation, ?), ascending: a view of the table. */
  answers(head: number, relation: number): Int32Array {
    const start = this.#headStart[head];
    const end = this.#headStart[head + 1];
    if (start === undefined || end === undefined) return NONE;
    const from = lowerBound(this.#relations, start, end, relation);
    return this.#tails.subarray(from, lowerBound(this.#relations, from, end, relation + 1));
  }

  /** Of each relation 0..2R-1, the mean number of answers of its queries (facts / distinct queries); 0 if it has none. */
  answersPerQuery(): Float64Array {
    const facts = new Float64Array(2 * this.#numRelations);
    const queries = new Float64Array(2 * this.#numRelations);
    for (let head = 0; head + 1 < this.#headStart.length; head++) {
      const start = this.#headStart[head]!;
      const end = this.#headStart[head + 1]!;
      for (let i = start; i < end; i++) {
        const relation = this.#relations[i]!;
        facts[relation]!++;
        if (i === start || this.#relations[i - 1] !== relation) queries[relation]!++;
      }
    }
    return facts.map((sum, relation) => (sum === 0 ? 0 : sum / queries[relation]!));
  }
}

/** The first position in [start, end) of a sorted array whose value is not below `value`; `end` if there is none. */
function lowerBound(sorted: Int32Array, start: number, end: number, value: number): number {
  let low = start;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
