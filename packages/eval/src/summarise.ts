import { MuldeError } from "@mulde/errors";
import { checkCount, checkNumbers } from "./_checks.js";

/** The metrics of a list of ranks. If there are no ranks, all the others are NaN. */
export interface SideMetrics {
  /** Mean reciprocal rank, 0 to 1. */
  readonly mrr: number;
  /** Mean rank, from 1. */
  readonly mr: number;
  /**
   * Adjusted mean rank index, 1 - (MR - 1) / (E[MR] - 1) with E[MR] the mean of (candidates + 1) / 2: 1 is perfect, 0 is chance,
   * negative is worse than chance (Berrendorf et al. 2020). Also 0 if no query has a second candidate.
   */
  readonly amri: number;
  /** Hits@K by K ("1", "3", "10"): the share of ranks at most K. */
  readonly hits: Readonly<Record<string, number>>;
  /** How many ranks there are. */
  readonly ranks: number;
}

/** The K of Hits@K in most papers. */
export const DEFAULT_HITS: readonly number[] = [1, 3, 10];

/**
 * The metrics of a list of ranks, summed in float64 in the given order.
 *
 * @param ranks - Each from 1 to its number of candidates.
 * @param candidates - How many entities competed for each rank, the target included; a number if it is the same for all.
 * @param hitsAt - The K of Hits@K. Default [1, 3, 10].
 * @throws MuldeError EVAL_BAD_RANKS for lists of different lengths or a rank above its number of candidates; EVAL_BAD_OPTION for a K that is
 * not a positive integer.
 */
export function summarise(
  ranks: ArrayLike<number>,
  candidates: ArrayLike<number> | number,
  hitsAt: readonly number[] = DEFAULT_HITS,
): SideMetrics {
  checkNumbers(["hitsAt"], hitsAt);
  // Array.from: a loop would skip holes.
  Array.from(hitsAt).forEach((k, i) => checkCount(["hitsAt", i], k));
  checkNumbers(["ranks"], ranks);
  if (typeof candidates !== "number") checkNumbers(["candidates"], candidates);
  const count = ranks.length;
  if (typeof candidates !== "number" && candidates.length !== count) {
    throw new MuldeError(
      "EVAL_BAD_RANKS",
      `There are ${String(count)} ranks, but ${String(candidates.length)} numbers of candidates; pass one for each rank.`,
    );
  }
  let reciprocals = 0;
  let above = 0;
  let expected = 0;
  const hits = Array.from(hitsAt, () => 0);
  for (let i = 0; i < count; i++) {
    const rank = ranks[i]!;
    const among = typeof candidates === "number" ? candidates : candidates[i]!;
    if (!(rank >= 1 && rank <= among)) {
      throw new MuldeError(
        "EVAL_BAD_RANKS",
        `${String(rank)} is not a rank among ${String(among)} candidates; ranks go from 1 to the number of candidates.`,
        { path: ["ranks", i], value: rank },
      );
    }
    reciprocals += 1 / rank;
    above += rank - 1;
    expected += (among - 1) / 2;
    hitsAt.forEach((k, j) => {
      if (rank <= k) hits[j]!++;
    });
  }
  return {
    mrr: reciprocals / count,
    mr: 1 + above / count,
    amri: count === 0 ? Number.NaN : expected === 0 ? 0 : 1 - above / expected,
    hits: Object.fromEntries(Array.from(hitsAt, (k, j) => [String(k), hits[j]! / count])),
    ranks: count,
  };
}
