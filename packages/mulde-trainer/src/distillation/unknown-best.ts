import type { AnswerIndex } from "@mulde/datasets";
import type { Batch } from "../step/block.js";

/**
 * How many of each query's best to look up so that K of them are no known answers: K plus the most known answers of any query in the batch.
 * One query with thousands of answers widens the look-up for its whole batch.
 */
export function widthForUnknown({ heads, relations }: Queries, known: AnswerIndex, K: number): number {
  return K + heads.reduce((most, head, b) => Math.max(most, known.answers(head, relations[b]!).length), 0);
}

/**
 * Picks the first K of each query's best that are no known answers; where there are fewer, the best known answers follow.
 *
 * @param best - B rows of entities, best first
 * @param chosen - receives K entities in each row, at the stride
 */
export function keepUnknown(
  { heads, relations }: Queries,
  known: AnswerIndex,
  best: Int32Array,
  K: number,
  chosen: Int32Array,
  stride = K,
): void {
  const width = best.length / heads.length;
  for (let b = 0; b < heads.length; b++) {
    const answers = new Set(known.answers(heads[b]!, relations[b]!));
    let to = b * stride;
    // First those that are unknown, then the known.
    for (const wanted of [false, true]) {
      for (let at = b * width; at < (b + 1) * width && to < b * stride + K; at++) {
        if (answers.has(best[at]!) === wanted) chosen[to++] = best[at]!;
      }
    }
  }
}

type Queries = Pick<Batch, "heads" | "relations">;
