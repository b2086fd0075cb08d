import { MuldeError } from "@mulde/errors";
import type { KnownAnswers } from "./known-answers.js";
import type { RankQueries } from "./scorer.js";

const NONE: ArrayLike<number> = [];

/**
 * Adds to B queries the known answers that do not compete: all but the target. It checks their order, because an answer that came twice would
 * be taken off the candidates twice.
 *
 * @throws MuldeError EVAL_BAD_FILTER for answers that are not strictly ascending entity ids.
 */
export function withFilter(
  block: Pick<RankQueries, "heads" | "relations" | "targets">,
  known: KnownAnswers | undefined,
  numEntities: number,
): RankQueries {
  const { heads, relations, targets } = block;
  const rows = Array.from(heads, (head, b) => (known ? known.answers(head, relations[b]!) : NONE));
  const filterOffsets = new Int32Array(rows.length + 1);
  // Callers without a compiler answer anything; what is no array is refused below.
  const lengthOf = (row: ArrayLike<number> | undefined | null): unknown => row?.length;
  const filterIds = new Int32Array(rows.reduce((sum, row) => sum + Number(lengthOf(row) ?? 0), 0));
  let filled = 0;
  rows.forEach((row, b) => {
    const refuse = (reason: string, value: unknown): MuldeError =>
      new MuldeError(
        "EVAL_BAD_FILTER",
        `the answers of (${String(heads[b])}, ${String(relations[b])}, ?) ${reason}; they must be an array of strictly ascending entity ids below ${String(numEntities)}.`,
        { path: ["known"], value },
      );
    if (typeof lengthOf(row) !== "number") throw refuse("have no length", row);
    for (let i = 0; i < row.length; i++) {
      const previous = i === 0 ? -1 : row[i - 1]!;
      const id = row[i]!;
      if (!(id > previous && id < numEntities)) throw refuse(`hold ${String(id)} at position ${String(i)}`, id);
      if (id !== targets[b]) filterIds[filled++] = id;
    }
    filterOffsets[b + 1] = filled;
  });
  return { ...block, filterOffsets, filterIds: filterIds.subarray(0, filled) };
}

/** @throws MuldeError EVAL_BAD_FILTER unless `known` can be asked for answers. */
export function checkKnown(known: KnownAnswers | null | undefined): void {
  if (known === undefined || known === null || typeof (known as Partial<KnownAnswers>).answers === "function") return;
  throw new MuldeError(
    "EVAL_BAD_FILTER",
    "has no function answers(head, relation); make one of your triples by knownAnswers(numEntities, numRelations, ...splits).",
    { path: ["known"], value: known },
  );
}
