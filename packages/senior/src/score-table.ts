import { MuldeError } from "@mulde/errors";
import { checkCount, checkLength } from "./_check.js";
import { checkFinite, checkName, checkTeacher, scoreChecked, type ScoreOptions, type Teacher } from "./teacher.js";

/** Scored triples as four columns of one length: row i is (heads[i], relations[i], tails[i]) with scores[i]. */
export interface ScoredTriples {
  readonly heads: Int32Array;
  /** Relation ids, 0..2R-1: r >= R asks the reverse question of r - R. */
  readonly relations: Int32Array;
  readonly tails: Int32Array;
  readonly scores: Float32Array;
}

export interface ScoreTableOptions {
  /** A candidate that is not in the table scores this much below the query's lowest score. Default 1. */
  readonly margin?: number;
  /** A query that is not in the table is an "error" (the default), or scores "zero" for every candidate. */
  readonly missing?: "error" | "zero";
}

/**
 * A teacher that looks its scores up in a table: the best answers of a model that is too slow to ask again, or gone. If a triple is there
 * twice, the last row counts.
 *
 * @returns A teacher whose `score` throws SENIOR_TABLE_QUERY, with head and relation, for a query that is not in the table
 * @throws MuldeError SENIOR_SHAPE for columns of different lengths, SENIOR_TABLE for a score that is not finite or a margin below 0,
 *   SENIOR_TEACHER for an empty name
 */
export function scoreTable(name: string, triples: ScoredTriples, options: ScoreTableOptions = {}): Teacher {
  checkName(name);
  const { margin = 1, missing = "error" } = options;
  if (!(margin >= 0 && margin < Infinity)) {
    throw new MuldeError("SENIOR_TABLE", `margin must be a finite number of at least 0, but is ${String(margin)}.`, {
      value: margin,
    });
  }
  const table = sortedTable(triples);
  return {
    name,
    score(heads, relations, candidates, out) {
      const K = candidates.length / heads.length;
      heads.forEach((head, b) => {
        const relation = relations[b]!;
        const [from, to] = rowsOf(table, head, relation);
        if (from === to && missing === "error") {
          throw new MuldeError(
            "SENIOR_TABLE_QUERY",
            `the table has no scores for head ${String(head)}, relation ${String(relation)}; record them, or pass missing: "zero".`,
            { value: [head, relation] },
          );
        }
        let floor = from === to ? 0 : Infinity;
        for (let i = from; i < to; i++) floor = Math.min(floor, table.scores[i]!);
        if (from !== to) floor -= margin;
        for (let at = b * K; at < (b + 1) * K; at++) {
          const i = lowerBound(table.tails, from, to, candidates[at]!);
          out[at] = i < to && table.tails[i] === candidates[at] ? table.scores[i]! : floor;
        }
      });
    },
  };
}

/** The queries that `recordScores` asks. */
export interface RecordOptions extends ScoreOptions {
  /** B entity ids. A query that is there twice is recorded once. */
  readonly heads: Int32Array;
  /** B relation ids, 0..2R-1. */
  readonly relations: Int32Array;
  /** N. */
  readonly entities: number;
  /** How many of a query's best answers to keep. */
  readonly top: number;
}

// Scores of one call: 16 MB.
const blockScores = 2 ** 22;

/**
 * Asks a teacher for the scores of all entities and keeps each query's best: a table to distil from later, or elsewhere.
 *
 * @throws MuldeError SENIOR_SHAPE for counts below 1 or columns of different lengths, SENIOR_TEACHER if the teacher scores another number
 *   of entities, and what `collectScores` throws
 */
export async function recordScores(teacher: Teacher, options: RecordOptions): Promise<ScoredTriples> {
  const { heads, relations, entities, top } = options;
  checkCount("entities", entities);
  checkCount("top", top);
  checkLength("relations", relations, heads.length, "B");
  checkTeacher(teacher, 0, { entities });
  const seen = new Set<string>();
  const queries = Array.from(heads, (_, b) => b).filter((b) => {
    const key = `${String(heads[b])} ${String(relations[b])}`;
    return !seen.has(key) && seen.add(key);
  });
  const kept = Math.min(top, entities);
  const out: ScoredTriples = {
    heads: new Int32Array(queries.length * kept),
    relations: new Int32Array(queries.length * kept),
    tails: new Int32Array(queries.length * kept),
    scores: new Float32Array(queries.length * kept),
  };
  const block = Math.max(1, Math.floor(blockScores / entities));
  for (let first = 0; first < queries.length; first += block) {
    const own = queries.slice(first, first + block);
    const candidates = Int32Array.from({ length: own.length * entities }, (_, i) => i % entities);
    const scores = new Float32Array(candidates.length);
    const column = (ids: Int32Array): Int32Array => Int32Array.from(own, (b) => ids[b]!);
    const [ownHeads, ownRelations] = [column(heads), column(relations)];
    await scoreChecked(teacher, ownHeads, ownRelations, candidates, scores, { signal: options.signal });
    // A teacher with writesAll was not scanned, and a NaN has no place in an order.
    if (teacher.writesAll) checkFinite(teacher, ownHeads, ownRelations, candidates, scores);
    own.forEach((b, i) => {
      const row = scores.subarray(i * entities, (i + 1) * entities);
      const best = Int32Array.from(row, (_, e) => e).sort((x, y) => row[y]! - row[x]!);
      for (let k = 0; k < kept; k++) {
        const at = (first + i) * kept + k;
        out.heads[at] = heads[b]!;
        out.relations[at] = relations[b]!;
        out.tails[at] = best[k]!;
        out.scores[at] = row[best[k]!]!;
      }
    });
  }
  return out;
}

/** The triples sorted by head, relation and tail, each once. */
function sortedTable({ heads, relations, tails, scores }: ScoredTriples): ScoredTriples {
  for (const [field, column] of Object.entries({ relations, tails, scores })) {
    checkLength(field, column, heads.length, "as many as heads");
  }
  const bad = scores.findIndex((score) => !Number.isFinite(score));
  if (bad !== -1) {
    throw new MuldeError(
      "SENIOR_TABLE",
      `Row ${String(bad)} of the score table has the score ${String(scores[bad])}; scores must be finite.`,
      { value: scores[bad] },
    );
  }
  const order = Int32Array.from(heads, (_, i) => i);
  const before = (a: number, b: number): number =>
    heads[a]! - heads[b]! || relations[a]! - relations[b]! || tails[a]! - tails[b]!;
  order.sort((a, b) => before(a, b) || a - b);
  const last = order.filter((row, i) => i === order.length - 1 || before(row, order[i + 1]!) !== 0);
  return {
    heads: last.map((i) => heads[i]!),
    relations: last.map((i) => relations[i]!),
    tails: last.map((i) => tails[i]!),
    scores: Float32Array.from(last, (i) => scores[i]!),
  };
}

/** The first row of a query, and the row after its last. */
function rowsOf({ heads, relations }: ScoredTriples, head: number, relation: number): [from: number, to: number] {
  const [begin, end] = [lowerBound(heads, 0, heads.length, head), lowerBound(heads, 0, heads.length, head + 1)];
  return [lowerBound(relations, begin, end, relation), lowerBound(relations, begin, end, relation + 1)];
}

/** The first position in [low, high) of ascending values that is not below `value`; `high` if there is none. */
function lowerBound(values: Int32Array, low: number, high: number, value: number): number {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
