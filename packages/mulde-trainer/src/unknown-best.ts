import type { AnswerIndex } from "@mulde/datasets";
import type { Batch } from "./data.js";

/**
 * How many of each query's best have to be looked up for K of them to be no known answers: K and as many more as a query of the batch has.
 * One query of thousands of answers widens the look of all of its batch.
 */
export function widthForUnknown({ heads, relations }: Queries, known: AnswerIndex, K: number): number {
  return K + heads.reduce((most, head, b) => Math.max(most, known.answers(head, relations[b]!).length), 0);
}

/**
 * Picks of each query's best the first K that are no known answers. Where there are fewer than K, the best known answers follow them.
 *
 * @param best - entities of each query, B rows in descending order of their scores
 * @param chosen - receives B x K
 */
export function keepUnknown(
  { heads, relations }: Queries,
  known: AnswerIndex,
  best: Int32Array,
  K: number,
  chosen: Int32Array,
): void {
  const width = best.length / heads.length;
  for (let b = 0; b < heads.length; b++) {
    const answers = new Set(known.answers(heads[b]!, relations[b]!));
    let to = b * K;
    // The unknown ones first, and then the known.
    for (const wanted of [false, true]) {
      for (let at = b * width; at < (b + 1) * width && to < (b + 1) * K; at++) {
        if (answers.has(best[at]!) === wanted) chosen[to++] = best[at]!;
      }
    }
  }
}

type Queries = Pick<Batch, "heads" | "relations">;
