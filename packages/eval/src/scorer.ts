import { MuldeError } from "@mulde/errors";

/**
 * A block of B queries (head, relation, ?), each with its true answer and the entities that do not compete with it.
 * Relations are 0..2R-1: a head query (?, r, t) arrives as (t, r + R, ?).
 */
export interface RankQueries {
  /** B entity ids. */
  readonly heads: Int32Array;
  /** B relation ids, 0..2R-1. */
  readonly relations: Int32Array;
  /** B entity ids, the true answers. */
  readonly targets: Int32Array;
  /** B + 1 positions: the filter of row b is `filterIds[filterOffsets[b]]` up to before `filterIds[filterOffsets[b + 1]]`. */
  readonly filterOffsets: Int32Array;
  /** Entities to leave out, strictly ascending within a row, never the row's target. */
  readonly filterIds: Int32Array;
}

/** Where ranking writes, B entries each. The target itself is in neither count. */
export interface RankCounts {
  /** Entities that are not filtered and score strictly above the target. */
  readonly greater: Int32Array;
  /** Entities that are not filtered and score exactly as the target does. */
  readonly equal: Int32Array;
}

/** Anything that scores all entities as answers. Higher is better. The arrays it is given are reused after it returns or resolves. */
export interface Scorer {
  /** N. Entity ids are 0..N-1. */
  readonly numEntities: number;

  /**
   * Writes the score of every entity as the tail of every query.
   *
   * @param heads - B entity ids.
   * @param relations - B relation ids, 0..2R-1, reciprocal convention.
   * @param out - B x N, row-major. Every entry must be written.
   */
  scoreAll(heads: Int32Array, relations: Int32Array, out: Float32Array): void | Promise<void>;

  /**
   * The fused path, used instead of `scoreAll` where it exists: counts without a B x N block. It must give the counts that
   * {@link countRanks} gives on the scores, and throw on a score that is not finite.
   */
  rank?(queries: RankQueries, out: RankCounts): void | Promise<void>;
}

/**
 * A scorer over a finished table, for scores that were computed elsewhere.
 *
 * @param scores - 2R x N x N, row-major: `scores[(relation * N + head) * N + tail]`, relations in the reciprocal convention (R x N x N
 * is enough to rank tails only).
 * @throws MuldeError EVAL_BAD_OPTION when the length is no multiple of N * N.
 */
export function denseScorer(scores: Float32Array, numEntities: number): Scorer {
  if (!(numEntities >= 1) || scores.length === 0 || scores.length % (numEntities * numEntities) !== 0) {
    throw new MuldeError(
      "EVAL_BAD_OPTION",
      `A table of ${String(scores.length)} scores is no whole number of ${String(numEntities)} x ${String(numEntities)} relations; give 2R x N x N scores.`,
    );
  }
  return {
    numEntities,
    scoreAll(heads, relations, out) {
      for (let b = 0; b < heads.length; b++) {
        const row = relations[b]! * numEntities + heads[b]!;
        out.set(scores.subarray(row * numEntities, (row + 1) * numEntities), b * numEntities);
      }
    },
  };
}
