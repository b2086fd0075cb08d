import type { AnswerIndex } from "@mulde/datasets";
import type { AnswerRule } from "./rule.js";

/**
 * A query's own head is a wrong answer, unless the training split knows the self-loop. The head lies near the answers, yet random negatives
 * hardly ever hit it: on WN18RR a third of all queries rank it above the answer.
 */
export function ownHead(answers: AnswerIndex): AnswerRule {
  const isWrong = (head: number, relation: number, entity: number): boolean =>
    entity === head && !answers.has(head, relation, head);
  return {
    name: "ownHead",
    isWrong,
    negative: (head, relation) => (isWrong(head, relation, head) ? head : undefined),
  };
}
