import { AnswerTable } from "./_answer-table.js";
import { checkCount, checkTriples } from "./_checks.js";
import type { TripleList } from "./triples.js";

/** How many heads (left) and tails (right) a relation links: "1-N" has one head for each tail and several tails for each head. */
export type RelationCategory = "1-1" | "1-N" | "N-1" | "N-N";

/** From this mean on, a side counts as many (Bordes et al., "Translating Embeddings for Modeling Multi-relational Data", 2013). */
const MANY = 1.5;

/**
 * The category of every relation, by its mean number of distinct tails of a (head, relation) and of distinct heads of a (relation, tail) in
 * the training triples. A mean of 1.5 or more is "N".
 *
 * @returns R entries; `undefined` for a relation that has no triple.
 * @throws MuldeError EVAL_BAD_TRIPLES for columns of different lengths or an id out of range, EVAL_BAD_OPTION for counts below 1.
 */
export function relationCategories(
  trainTriples: TripleList,
  numEntities: number,
  numRelations: number,
): (RelationCategory | undefined)[] {
  checkCount(["numEntities"], numEntities);
  checkCount(["numRelations"], numRelations);
  checkTriples(trainTriples, numEntities, numRelations, ["trainTriples"]);
  const means = new AnswerTable(numEntities, numRelations, [trainTriples]).answersPerQuery();
  return Array.from({ length: numRelations }, (_, relation) => {
    const tailsPerHead = means[relation]!;
    const headsPerTail = means[relation + numRelations]!;
    if (tailsPerHead === 0) return undefined;
    return `${headsPerTail < MANY ? "1" : "N"}-${tailsPerHead < MANY ? "1" : "N"}` as const;
  });
}
