import { MuldeError } from "@mulde/errors";
import { checkCount } from "./_checks.js";

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
  /** B + 1 positions: row b leaves out `filterIds[filterOffsets[b]]` up to, not including, `filterIds[filterOffsets[b + 1]]`. */
  readonly filterOffsets: Int32Array;
  /** The entities to leave out, strictly ascending within a row, never the row's target. */
  readonly filterIds: Int32Array;
}

/** Where ranking writes its counts, B each. Neither counts the target itself. */
export interface RankCounts {
  /** Entities that are not left out and score strictly above the target. */
  readonly greater: Int32Array;
  /** Entities that are not left out and score exactly like the target. */
  readonly equal: Int32Array;
}

/** What a scorer is told beside the queries. */
export interface ScoreOptions {
  /** Aborts when nobody wants the scores any more. A scorer that waits, for example for a service, should then reject. */
  readonly signal?: AbortSignal | undefined;
}

/** Anything that scores all entities as answers; higher is better. Ranking reuses the arrays that it passes. */
export interface Scorer {
  /** N. Entity ids are 0..N-1. */
  readonly numEntities: number;

  /** R, without reciprocals, if the scorer knows only those relations. Ranking then refuses another `numRelations`. */
  readonly numRelations?: number | undefined;

  /**
   * Writes the score of every entity as the tail of every query.
   *
   * @param heads - B entity ids.
   * @param relations - B relation ids, 0..2R-1; r >= R asks the reverse question of r - R.
   * @param out - B x N, row-major. Write every value.
   */
  scoreAll(heads: Int32Array, relations: Int32Array, out: Float32Array, options?: ScoreOptions): void | Promise<void>;

  /**
   * The fused path: counts without a B x N block of scores. If it is there, ranking calls it instead of `scoreAll`. It must give the counts
   * that {@link countRanks} gives on the scores, and throw on a score that is not finite.
   */
  rank?(queries: RankQueries, out: RankCounts): void | Promise<void>;
}

/**
 * A scorer over a finished table of scores.
 *
 * @param scores - 2R x N x N, row-major: `scores[(relation * N + head) * N + tail]` for relations 0..2R-1. R x N x N is enough to rank
 * tails only.
 * @returns A scorer whose `scoreAll` throws EVAL_BAD_OPTION for a relation or a head that the table does not have.
 * @throws MuldeError EVAL_BAD_OPTION if the length is not a multiple of N x N.
 */
export function denseScorer(scores: Float32Array, numEntities: number): Scorer {
  checkCount(["numEntities"], numEntities);
  if (!ArrayBuffer.isView(scores)) {
    throw new MuldeError("EVAL_BAD_OPTION", "must be a Float32Array; pass Float32Array.from(scores).", {
      path: ["scores"],
      value: scores,
    });
  }
  const N = numEntities;
  const relationsHeld = scores.length / (N * N);
  if (scores.length === 0 || !Number.isInteger(relationsHeld)) {
    throw new MuldeError(
      "EVAL_BAD_OPTION",
      `holds ${String(scores.length)} values, which is not a multiple of ${String(N)} x ${String(N)}; pass 2R x N x N scores.`,
      { path: ["scores"] },
    );
  }
  return {
    numEntities,
    scoreAll(heads, relations, out) {
      for (let b = 0; b < heads.length; b++) {
        const [head, relation] = [heads[b]!, relations[b]!];
        if (!(relation >= 0 && relation < relationsHeld && head >= 0 && head < N)) {
          throw new MuldeError(
            "EVAL_BAD_OPTION",
            `The table has scores for relations 0..${String(relationsHeld - 1)} and heads 0..${String(N - 1)}, but the query is (${String(head)}, ${String(relation)}, ?); pass 2R x N x N scores, or R x N x N to rank with sides: "tail".`,
            { value: [head, relation] },
          );
        }
        const row = relation * N + head;
        out.set(scores.subarray(row * N, (row + 1) * N), b * N);
      }
    },
  };
}
