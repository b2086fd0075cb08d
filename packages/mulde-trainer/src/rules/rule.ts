/**
 * What the training split shows to be wrong although models rank it high. Rules add hard negatives to the facts' loss, and lower what
 * teachers say of wrong answers. Built-in ones are named by the option `rules`; pass your own to `train` and `distil` as `parts.rules`.
 */
export interface AnswerRule {
  /** Identifies the rule in a run's identity, and seeds its draws. */
  readonly name: string;
  /** Whether the entity is a wrong answer of the query (head, relation, ?); relation ids are 0..2R-1. */
  isWrong(head: number, relation: number, entity: number): boolean;
  /**
   * A wrong answer to put among the query's negatives, or undefined for none.
   *
   * @param random - uniform in [0, 1), the rule's own stream
   */
  negative?(head: number, relation: number, random: () => number): number | undefined;
}
