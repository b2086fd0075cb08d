import { MuldeError } from "@mulde/errors";
import type { RankCounts, RankQueries } from "./scorer.js";

/**
 * Counts, in each row of a block of scores, the competitors above the target and level with it. {@link evaluate} does this block by block.
 *
 * @param scores - B x N, row-major, higher is better.
 * @param out - B counts each; {@link ranksFromCounts} turns them into ranks.
 * @throws MuldeError SCORE_NOT_FINITE if the target or an entity that is not filtered scores NaN or an infinity: a NaN compares as false with
 * everything and would rank first; its `value` is { head, relation, entity, score }. Filtered entities may score anything. EVAL_BAD_OPTION unless there are B x N scores.
 */
export function countRanks(scores: Float32Array, numEntities: number, queries: RankQueries, out: RankCounts): void {
  const { heads, targets, filterOffsets, filterIds } = queries;
  if (!ArrayBuffer.isView(scores) || scores.length !== heads.length * numEntities) {
    throw new MuldeError(
      "EVAL_BAD_OPTION",
      `must be a Float32Array of B x N = ${String(heads.length)} x ${String(numEntities)} values, but holds ${String(scores.length)}.`,
      { path: ["scores"] },
    );
  }
  for (let b = 0; b < heads.length; b++) {
    const row = scores.subarray(b * numEntities, (b + 1) * numEntities);
    const target = row[targets[b]!]!;
    const lastFilter = filterOffsets[b + 1]!;
    let greater = 0;
    // The loop below compares the target with itself once.
    let equal = -1;
    // x - x is 0 for a finite x and NaN otherwise, so one sum shows whether all were finite, without a branch in the loop.
    let unsound = 0;
    let from = 0;
    for (let f = filterOffsets[b]!; f <= lastFilter; f++) {
      const to = f < lastFilter ? filterIds[f]! : numEntities;
      for (let e = from; e < to; e++) {
        const score = row[e]!;
        greater += score > target ? 1 : 0;
        equal += score === target ? 1 : 0;
        unsound += score - score;
      }
      from = to + 1;
    }
    if (unsound !== 0) throw notFinite(row, queries, b);
    out.greater[b] = greater;
    out.equal[b] = equal;
  }
}

/** Finds the score that the counting loop only noticed; that happens at most once. */
function notFinite(row: Float32Array, queries: RankQueries, b: number): MuldeError {
  const filter = queries.filterIds.subarray(queries.filterOffsets[b], queries.filterOffsets[b + 1]);
  const entity = row.findIndex((score, e) => !Number.isFinite(score) && !filter.includes(e));
  const query = `(${String(queries.heads[b])}, ${String(queries.relations[b])}, ?)`;
  const value = { head: queries.heads[b]!, relation: queries.relations[b]!, entity, score: row[entity]! };
  return new MuldeError(
    "SCORE_NOT_FINITE",
    `Entity ${String(entity)} scores ${String(row[entity])} in the query ${query} whose answer is ${String(queries.targets[b])}; scores must be finite: check that the model did not diverge, and that the scorer writes a score for all ${String(row.length)} entities.`,
    { value },
  );
}
