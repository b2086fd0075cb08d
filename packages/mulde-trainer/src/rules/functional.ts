import type { AnswerIndex } from "@mulde/datasets";
import type { AnswerRule } from "./rule.js";

/**
 * An entity that already has its answer in a functional relation is wrong for every other head. We assume that near-functional relations such
 * as hypernym have one answer per head: the partial completeness assumption (Galárraga, Teflioudi, Hose, Suchanek: "AMIE: Association Rule
 * Mining under Incomplete Evidence in Ontological Knowledge Bases", WWW 2013).
 *
 * @param most - a relation counts as functional up to this many answers per query on average
 */
export function functional(answers: AnswerIndex, most: number): AnswerRule {
  const { numRelations } = answers;
  // 2R
  const isFunctional = answers.answersPerQuery().map((mean) => (mean <= most ? 1 : 0));
  return {
    name: `functional ${most}`,
    isWrong(head, relation, entity) {
      const back = relation < numRelations ? relation + numRelations : relation - numRelations;
      return isFunctional[back] === 1 && answers.hasAny(entity, back) && !answers.has(head, relation, entity);
    },
  };
}
