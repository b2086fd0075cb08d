import type { AnswerIndex } from "@mulde/datasets";
import type { AnswerRule } from "./rule.js";

/**
 * A head's neighbours by other relations are wrong answers, if none of these relations shares a pair with the query's in the training split.
 * Neighbours lie near the answers too.
 */
export function neighbours(answers: AnswerIndex): AnswerRule {
  const exclusive = new ExclusiveRelations(answers);
  // Rows of candidates ask about one query many times in a row.
  let last: { readonly head: number; readonly relation: number; readonly near: ReadonlySet<number> } | undefined;
  return {
    name: "neighbours",
    isWrong(head, relation, entity) {
      if (last?.head !== head || last.relation !== relation) {
        last = { head, relation, near: new Set(exclusive.neighbours(head, relation)) };
      }
      return last.near.has(entity);
    },
    negative(head, relation, random) {
      const near = exclusive.neighbours(head, relation);
      return near.length === 0 ? undefined : near[Math.floor(random() * near.length)];
    },
  };
}

/** Which relations, reciprocals included, never hold for the same pair in the training split. */
class ExclusiveRelations {
  readonly #answers: AnswerIndex;
  readonly #rows: number;
  /** a 2R + b for relations a and b that share a pair */
  readonly #shared = new Set<number>();

  constructor(answers: AnswerIndex) {
    this.#answers = answers;
    this.#rows = 2 * answers.numRelations;
    for (let head = 0; head < answers.numEntities; head++) this.#countPairs(head);
  }

  /** The head's answers by relations that share no pair with the given one. */
  neighbours(head: number, relation: number): number[] {
    const found: number[] = [];
    for (const other of this.#answers.relations(head)) {
      if (this.#shared.has(relation * this.#rows + other)) continue;
      for (const tail of this.#answers.answers(head, other)) found.push(tail);
    }
    return found;
  }

  #countPairs(head: number): void {
    const byTail = new Map<number, number[]>();
    for (const relation of this.#answers.relations(head)) {
      for (const tail of this.#answers.answers(head, relation)) {
        const together = byTail.get(tail);
        if (together) together.push(relation);
        else byTail.set(tail, [relation]);
      }
    }
    for (const together of byTail.values()) {
      for (const a of together) for (const b of together) this.#shared.add(a * this.#rows + b);
    }
  }
}
