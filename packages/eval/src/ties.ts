import { checkChoice, checkNumbers, checkObject } from "./_checks.js";

/**
 * The place of a target that ties with others: behind them ("pessimistic"), before them ("optimistic"), or at the mean of the two
 * ("realistic"). Only "realistic" gives the rank of chance to a scorer that cannot tell entities apart.
 */
export type Tie = "realistic" | "optimistic" | "pessimistic";

/** All ways to count ties, the default first. */
export const TIES: readonly Tie[] = ["realistic", "optimistic", "pessimistic"];

/**
 * Ranks from counts; 1 is best. Optimistic: 1 + greater; pessimistic: 1 + greater + equal; realistic: 1 + greater + equal / 2. `equal` does
 * not count the target (Berrendorf et al., "On the Ambiguity of Rank-Based Evaluation of Entity Alignment or Link
 * Prediction Methods", 2020).
 *
 * @returns One rank per count; realistic ranks may end in .5.
 * @throws MuldeError EVAL_BAD_OPTION for an unknown tie, or counts that are no arrays.
 */
export function ranksFromCounts(
  counts: { readonly greater: Int32Array; readonly equal: Int32Array },
  tie: Tie = "realistic",
): Float64Array {
  checkObject(["counts"], counts, "an object with greater and equal");
  checkNumbers(["counts", "greater"], counts.greater);
  checkNumbers(["counts", "equal"], counts.equal);
  checkChoice("tie", tie, TIES);
  const share = tie === "optimistic" ? 0 : tie === "pessimistic" ? 1 : 0.5;
  return Float64Array.from(counts.greater, (greater, i) => 1 + greater + share * counts.equal[i]!);
}
