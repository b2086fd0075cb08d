import { checkLength } from "./_check.js";
import { MuldeError } from "@mulde/errors";
import { scoreChecked, type Teacher } from "./teacher.js";

/** A list of scored triples (h, r, t), one in each row; r in 0..2R-1 with reciprocals. */
export interface ScoredTriples {
  readonly heads: Int32Array;
  readonly relations: Int32Array;
  readonly tails: Int32Array;
  readonly scores: Float32Array;
}

export interface ScoreTableOptions {
  /** A candidate that the table lacks scores so much below the query's lowest stored score; 1 unless given. */
  readonly margin?: number;
  /** What to do with a query that the table lacks altogether: an error unless `zero`, which scores all its candidates alike. */
  readonly missing?: "error" | "zero";
}

/**
 * A teacher that looks scores up: what a model too large to ask again, or one that is gone, said of its best answers to each query.
 * Of equal triples the last one counts.
 *
 * @throws MuldeError SENIOR_SHAPE for columns of different lengths, SENIOR_TABLE for a score that is not finite or a margin below 0; from `score`,
 *   SENIOR_TABLE_QUERY naming the head and relation of a query that is missing
 */
export function scoreTable(name: string, triples: ScoredTriples, options: ScoreTableOptions = {}): Teacher {
  const { margin = 1, missing = "error" } = options;
  if (!(margin >= 0 && margin < Infinity)) {
    throw new MuldeError("SENIOR_TABLE", `margin must be a finite number of at least 0, but is ${String(margin)}.`);
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

/** What `recordScores` asks for. */
export interface RecordOptions {
  /** heads of the queries, B; a query that is there twice is recorded once */
  readonly heads: Int32Array;
  /** B relation ids, 0..2R-1 */
  readonly relations: Int32Array;
  /** N */
  readonly entities: number;
  /** how many of a query's best answers to keep */
  readonly top: number;
}

// Scores asked for at once: 16 MB of them.
const blockScores = 2 ** 22;

/** The best answers of any teacher to each query, over all entities: a table to distil from later, or elsewhere. */
export async function recordScores(teacher: Teacher, options: RecordOptions): Promise<ScoredTriples> {
  const { heads, relations, entities, top } = options;
  checkLength("relations", relations, heads.length, "B");
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
    await scoreChecked(teacher, column(heads), column(relations), candidates, scores);
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

/** The triples by head, relation and tail, each once. */
function sortedTable({ heads, relations, tails, scores }: ScoredTriples): ScoredTriples {
  for (const [field, column] of Object.entries({ relations, tails, scores })) {
    checkLength(field, column, heads.length, "as many as heads");
  }
  const bad = scores.findIndex((score) => !Number.isFinite(score));
  if (bad !== -1) {
    throw new MuldeError("SENIOR_TABLE", `Row ${String(bad)} of the score table has the score ${String(scores[bad])}.`);
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

/** Where a query's rows begin and end. */
function rowsOf({ heads, relations }: ScoredTriples, head: number, relation: number): [from: number, to: number] {
  const [begin, end] = [lowerBound(heads, 0, heads.length, head), lowerBound(heads, 0, heads.length, head + 1)];
  return [lowerBound(relations, begin, end, relation), lowerBound(relations, begin, end, relation + 1)];
}

/** The first of the ascending values from `low` to `high` that is not below `value`. */
function lowerBound(values: Int32Array, low: number, high: number, value: number): number {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
