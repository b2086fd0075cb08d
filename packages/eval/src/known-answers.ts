import { AnswerTable } from "./_answer-table.js";
import { checkCount, checkTriples } from "./_checks.js";
import type { TripleList } from "./triples.js";

/** The answers that filtered ranking leaves out. The `AnswerIndex` of `@mulde/datasets` is one. */
export interface KnownAnswers {
  /** The known tails of (head, relation, ?), strictly ascending; empty if there are none. Relations are 0..2R-1. */
  answers(head: number, relation: number): ArrayLike<number>;
}

/**
 * Collects the known answers of all splits in both directions: of (h, r, t), t answers (h, r, ?) and h answers (t, r + R, ?). For the
 * usual filtered setting, pass the training, validation and test triples.
 *
 * @throws MuldeError EVAL_BAD_TRIPLES for columns of different lengths or an id out of range, EVAL_BAD_OPTION for counts below 1.
 */
export function knownAnswers(
  numEntities: number,
  numRelations: number,
  ...splits: readonly TripleList[]
): KnownAnswers {
  checkCount(["numEntities"], numEntities);
  checkCount(["numRelations"], numRelations);
  splits.forEach((split, i) => {
    checkTriples(split, numEntities, numRelations, ["splits", i]);
  });
  return new AnswerTable(numEntities, numRelations, splits);
}
