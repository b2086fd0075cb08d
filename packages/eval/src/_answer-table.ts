import type { KnownAnswers } from "./known-answers.js";
import type { TripleList } from "./triples.js";

const NONE = new Int32Array(0);

/** Known answers in three columns, sorted by head, then relation, then tail; both directions of every triple are in it. */
export class AnswerTable implements KnownAnswers {
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

    // relation * N + tail is one number that sorts as the pair does. It stays an exact float64 below 2^53, which 32-bit ids cannot
    // reach with any real number of relations; the head is not packed too, because three ids would.
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

    // Sorted and made unique head by head, moving everything down over what the duplicates left.
    let kept = 0;
    for (let e = 0; e < numEntities; e++) {
      const keys = packed.subarray(headStart[e]!, headStart[e + 1]!).sort();
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

  /** The known tails of (head, relation, ?), a view of the table. */
  answers(head: number, relation: number): Int32Array {
    const start = this.#headStart[head];
    const end = this.#headStart[head + 1];
    if (start === undefined || end === undefined) return NONE;
    const from = lowerBound(this.#relations, start, end, relation);
    return this.#tails.subarray(from, lowerBound(this.#relations, from, end, relation + 1));
  }

  /** For each relation 0..2R-1, the mean number of answers of the queries that have any; NaN for a relation without one. */
  meanAnswers(): Float64Array {
    const answers = new Float64Array(2 * this.#numRelations);
    const queries = new Float64Array(2 * this.#numRelations);
    for (let head = 0; head + 1 < this.#headStart.length; head++) {
      const start = this.#headStart[head]!;
      const end = this.#headStart[head + 1]!;
      for (let i = start; i < end; i++) {
        const relation = this.#relations[i]!;
        answers[relation]!++;
        if (i === start || this.#relations[i - 1] !== relation) queries[relation]!++;
      }
    }
    return answers.map((sum, relation) => sum / queries[relation]!);
  }
}

/** The first position in [start, end) of a sorted array whose value is not below `value`. */
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
