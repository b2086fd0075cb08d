import { MuldeError } from "@mulde/errors";
import type { KnownAnswers } from "./known-answers.js";
import type { RankQueries } from "./scorer.js";

const NONE: ArrayLike<number> = [];

/**
 * Adds to B queries the known answers that do not compete: all but the target. The order is checked, because an answer that came
 * twice would be taken off the candidates twice.
 */
export function withFilter(
  block: Pick<RankQueries, "heads" | "relations" | "targets">,
  known: KnownAnswers | undefined,
  numEntities: number,
): RankQueries {
  const { heads, relations, targets } = block;
  const rows = Array.from(heads, (head, b) => known?.answers(head, relations[b]!) ?? NONE);
  const filterOffsets = new Int32Array(rows.length + 1);
  const filterIds = new Int32Array(rows.reduce((sum, row) => sum + row.length, 0));
  let filled = 0;
  rows.forEach((row, b) => {
    for (let i = 0; i < row.length; i++) {
      const previous = i === 0 ? -1 : row[i - 1]!;
      const id = row[i]!;
      if (!(id > previous && id < numEntities)) {
        throw new MuldeError(
          "EVAL_BAD_FILTER",
          `The known answers of (${String(heads[b])}, ${String(relations[b])}, ?) hold ${String(id)} at position ${String(i)}; they must be strictly ascending entity ids below ${String(numEntities)}.`,
        );
      }
      if (id !== targets[b]) filterIds[filled++] = id;
    }
    filterOffsets[b + 1] = filled;
  });
  return { ...block, filterOffsets, filterIds: filterIds.subarray(0, filled) };
}
