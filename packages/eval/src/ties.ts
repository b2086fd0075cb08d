/**
 * How a target that ties with others is placed: after them ("pessimistic"), before them ("optimistic"), or at the mean of the two
 * ("realistic"), which alone gives a scorer that cannot tell entities apart the rank of chance.
 */
export type Tie = "realistic" | "optimistic" | "pessimistic";

/** The ways to count ties, the default first. */
export const TIES: readonly Tie[] = ["realistic", "optimistic", "pessimistic"];

/**
 * Ranks from counts, best rank 1: optimistic 1 + greater, pessimistic 1 + greater + equal, realistic 1 + greater + equal / 2, where
 * `equal` leaves the target out (Berrendorf et al., "On the Ambiguity of Rank-Based Evaluation of Entity Alignment or Link
 * Prediction Methods", 2020).
 *
 * @returns As many ranks as counts; realistic ones may end in .5.
 */
export function ranksFromCounts(
  counts: { readonly greater: Int32Array; readonly equal: Int32Array },
  tie: Tie = "realistic",
): Float64Array {
  const share = tie === "optimistic" ? 0 : tie === "pessimistic" ? 1 : 0.5;
  return Float64Array.from(counts.greater, (greater, i) => 1 + greater + share * counts.equal[i]!);
}
