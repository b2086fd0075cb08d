import { MuldeError } from "@mulde/errors";
import type { RankCounts, RankQueries } from "./scorer.js";

/**
 * Counts, for each row of a finished block of scores, the competitors above and level with the target. This is the whole of
 * ranking on plain arrays; {@link evaluate} feeds it block by block.
 *
 * @param scores - B x N, row-major, higher is better.
 * @param out - B counts each; see {@link ranksFromCounts} for ranks.
 * @throws MuldeError SCORE_NOT_FINITE when the target or any entity that is not filtered scores NaN or an infinity: a NaN compares
 * as false with everything and would rank first. Filtered entities may score anything.
 */
export function countRanks(scores: Float32Array, numEntities: number, queries: RankQueries, out: RankCounts): void {
  const { heads, targets, filterOffsets, filterIds } = queries;
  for (let b = 0; b < heads.length; b++) {
    const row = scores.subarray(b * numEntities, (b + 1) * numEntities);
    const target = row[targets[b]!]!;
    const lastFilter = filterOffsets[b + 1]!;
    let greater = 0;
    // The target meets itself once in the loop below.
    let equal = -1;
    // x - x is 0 for a finite x and NaN otherwise: one sum tells whether all were finite, without a branch in the loop.
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

/** Finds again what the counting loop only noticed, since that happens once at most. */
function notFinite(row: Float32Array, queries: RankQueries, b: number): MuldeError {
  const filter = queries.filterIds.subarray(queries.filterOffsets[b], queries.filterOffsets[b + 1]);
  const entity = row.findIndex((score, e) => !Number.isFinite(score) && !filter.includes(e));
  const query = `(${String(queries.heads[b])}, ${String(queries.relations[b])}, ?)`;
  return new MuldeError(
    "SCORE_NOT_FINITE",
    `Entity ${String(entity)} scores ${String(row[entity])} in the query ${query} whose answer is ${String(queries.targets[b])}; scores must be finite, so check that the model did not diverge and that the scorer writes all ${String(row.length)} entities.`,
  );
}
