import { MuldeError } from "@mulde/errors";
import { badArgument, checkCount } from "./_arguments.js";
import type { TripleList } from "./triples.js";
import { checkTriples } from "./triples.js";

const NONE = new Int32Array(0);

// For fewer values, sorting in place is faster than the engine's sort. Most heads have few answers.
const INSERTION_SORT = 24;

/**
 * The known answers of every query (h, r) with r in 0..2R-1, reciprocals included. Two nested CSR indices hold a head's queries, sorted by
 * relation, and a query's answers, sorted and distinct.
 */
export class AnswerIndex {
  readonly numEntities: number;
  readonly numRelations: number;
  /** The queries of head h are at `queryStart[h]` up to, not including, `queryStart[h + 1]`. */
  readonly #queryStart: Int32Array;
  readonly #queryRelation: Int32Array;
  /** The answers of query q are at `answerStart[q]` up to, not including, `answerStart[q + 1]`. */
  readonly #answerStart: Int32Array;
  readonly #answers: Int32Array;

  /** @internal `indexAnswers` makes one. */
  constructor(
    numEntities: number,
    numRelations: number,
    queryStart: Int32Array,
    queryRelation: Int32Array,
    answerStart: Int32Array,
    answers: Int32Array,
  ) {
    if (!(queryStart instanceof Int32Array)) {
      throw badArgument(["queryStart"], "make an index with indexAnswers", queryStart);
    }
    this.numEntities = numEntities;
    this.numRelations = numRelations;
    this.#queryStart = queryStart;
    this.#queryRelation = queryRelation;
    this.#answerStart = answerStart;
    this.#answers = answers;
  }

  /** How many queries have an answer. */
  get numQueries(): number {
    return this.#queryRelation.length;
  }

  /** How many answers all queries have in total. */
  get numAnswers(): number {
    return this.#answers.length;
  }

  /** The known answers of (head, relation), ascending; empty if there are none. A view: do not write to it. */
  answers(head: number, relation: number): Int32Array {
    const query = this.#query(head, relation);
    return query < 0 ? NONE : this.#answers.subarray(this.#answerStart[query], this.#answerStart[query + 1]);
  }

  /** The relations, reciprocals included, by which a head has known answers, ascending; none for an id outside. A view: do not write to it. */
  relations(head: number): Int32Array {
    // Without this check, `subarray` would take an undefined border for "from the start" or "to the end".
    if (!Number.isInteger(head) || head < 0 || head >= this.numEntities) return NONE;
    return this.#queryRelation.subarray(this.#queryStart[head], this.#queryStart[head + 1]);
  }

  /** Whether (head, relation) has a known answer. */
  hasAny(head: number, relation: number): boolean {
    return this.#query(head, relation) >= 0;
  }

  /** Whether (head, relation, tail) is known. For a relation r + R: whether (tail, r, head) is. */
  has(head: number, relation: number, tail: number): boolean {
    const query = this.#query(head, relation);
    if (query < 0 || !Number.isInteger(tail)) return false;
    const end = this.#answerStart[query + 1]!;
    const at = lowerBound(this.#answers, this.#answerStart[query]!, end, tail);
    return at < end && this.#answers[at] === tail;
  }

  /**
   * Of each relation 0..2R-1, the mean number of answers of its queries: facts / distinct queries. It is 0 for a relation without facts. Entry r
   * is tails per head of relation r, entry r + R is heads per tail.
   */
  answersPerQuery(): Float64Array {
    const facts = new Float64Array(2 * this.numRelations);
    const queries = new Float64Array(2 * this.numRelations);
    this.#queryRelation.forEach((relation, query) => {
      queries[relation]!++;
      facts[relation]! += this.#answerStart[query + 1]! - this.#answerStart[query]!;
    });
    return facts.map((count, relation) => (count === 0 ? 0 : count / queries[relation]!));
  }

  #query(head: number, relation: number): number {
    if (!Number.isInteger(head) || head < 0 || head >= this.numEntities || !Number.isInteger(relation)) return -1;
    const end = this.#queryStart[head + 1]!;
    const at = lowerBound(this.#queryRelation, this.#queryStart[head]!, end, relation);
    return at < end && this.#queryRelation[at] === relation ? at : -1;
  }
}

/**
 * Indexes the answers of the given splits in both directions. With all splits, it is the filter of filtered ranking. It takes O(n log n) time,
 * and about 28 bytes per triple while it builds.
 * @throws MuldeError DATA_ID_RANGE if a triple has an id outside the given numbers of entities and relations, DATA_SHAPE for numbers too large
 * to index, DATA_BAD_ARGUMENT for arguments of a wrong kind.
 */
export function indexAnswers(numEntities: number, numRelations: number, ...splits: readonly TripleList[]): AnswerIndex {
  checkCount(numEntities, "numEntities");
  checkCount(numRelations, "numRelations");
  if (2 * numRelations * numEntities > Number.MAX_SAFE_INTEGER) {
    throw new MuldeError("DATA_SHAPE", `${numEntities} entities x ${numRelations} relations are too many to index.`, {
      value: [numEntities, numRelations],
    });
  }
  splits.forEach((split, i) => {
    checkTriples(split, numEntities, numRelations, ["splits", i]);
  });

  // Counting sort by head. Keys are relation * N + tail, which a double holds exactly.
  const start = new Int32Array(numEntities + 1);
  for (const { heads, tails, length } of splits) {
    for (let i = 0; i < length; i++) {
      start[heads[i]! + 1]!++;
      start[tails[i]! + 1]!++;
    }
  }
  for (let h = 0; h < numEntities; h++) start[h + 1]! += start[h]!;
  const keys = new Float64Array(start[numEntities]!);
  const next = start.slice(0, numEntities);
  for (const { heads, relations, tails, length } of splits) {
    for (let i = 0; i < length; i++) {
      const head = heads[i]!;
      const relation = relations[i]!;
      const tail = tails[i]!;
      keys[next[head]!++] = relation * numEntities + tail;
      keys[next[tail]!++] = (relation + numRelations) * numEntities + head;
    }
  }

  // Sort each head's keys, drop duplicates, close the gaps, and count the queries.
  const queryStart = new Int32Array(numEntities + 1);
  let kept = 0;
  let queries = 0;
  for (let h = 0; h < numEntities; h++) {
    const from = start[h]!;
    const to = start[h + 1]!;
    sortRange(keys, from, to);
    start[h] = kept;
    let lastKey = -1;
    let lastRelation = -1;
    for (let i = from; i < to; i++) {
      const key = keys[i]!;
      if (key === lastKey) continue;
      lastKey = key;
      keys[kept++] = key;
      const relation = Math.floor(key / numEntities);
      if (relation !== lastRelation) queries++;
      lastRelation = relation;
    }
    queryStart[h + 1] = queries;
  }
  start[numEntities] = kept;

  const queryRelation = new Int32Array(queries);
  const answerStart = new Int32Array(queries + 1);
  const answers = new Int32Array(kept);
  let query = -1;
  for (let h = 0; h < numEntities; h++) {
    let lastRelation = -1;
    for (let i = start[h]!; i < start[h + 1]!; i++) {
      const key = keys[i]!;
      const relation = Math.floor(key / numEntities);
      if (relation !== lastRelation) {
        query++;
        queryRelation[query] = relation;
        answerStart[query] = i;
        lastRelation = relation;
      }
      answers[i] = key - relation * numEntities;
    }
  }
  answerStart[queries] = kept;
  return new AnswerIndex(numEntities, numRelations, queryStart, queryRelation, answerStart, answers);
}

function sortRange(keys: Float64Array, from: number, to: number): void {
  if (to - from > INSERTION_SORT) {
    keys.subarray(from, to).sort();
    return;
  }
  for (let i = from + 1; i < to; i++) {
    const key = keys[i]!;
    let j = i - 1;
    for (; j >= from && keys[j]! > key; j--) keys[j + 1] = keys[j]!;
    keys[j + 1] = key;
  }
}

/** The first position in [from, to) whose value is not below `value`; `to` if there is none. */
function lowerBound(sorted: Int32Array, from: number, to: number, value: number): number {
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (sorted[middle]! < value) from = middle + 1;
    else to = middle;
  }
  return from;
}
