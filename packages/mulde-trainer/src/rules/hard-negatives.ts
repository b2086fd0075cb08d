import { MuldeError } from "@mulde/errors";
import { type Stream, namedStreamAt, streamAt } from "../run/streams.js";
import type { CandidateBlock } from "../step/block.js";
import type { AnswerRule } from "./rule.js";

// The stream of a built-in rule that draws.
const drawing: ReadonlyMap<string, Stream> = new Map([["neighbours", "neighbours"]]);

/**
 * Puts the rules' wrong answers in the place of each query's first negatives, one per rule at most. A row keeps its true answer, which
 * stands first.
 *
 * @param entities - N
 * @throws MuldeError TRAINER_PART for a negative that is no entity
 */
export function addHardNegatives(
  rules: readonly AnswerRule[],
  { seed, entities }: { readonly seed: number; readonly entities: number },
  block: CandidateBlock,
): void {
  const { queries, K, stride, candidates } = block;
  const { heads, relations, step } = queries;
  const adding = rules.flatMap((rule) => {
    if (!rule.negative) return [];
    const stream = drawing.get(rule.name);
    const random = stream ? streamAt(seed, stream, step) : namedStreamAt(seed, rule.name, step);
    return [{ rule, uniform: () => random.uniform() }];
  });
  for (let b = 0; b < heads.length; b++) {
    let at = b * stride + 1;
    for (const { rule, uniform } of adding) {
      if (at >= b * stride + K) break;
      const entity = rule.negative!(heads[b]!, relations[b]!, uniform);
      if (entity === undefined) continue;
      if (!(Number.isInteger(entity) && entity >= 0 && entity < entities)) {
        throw new MuldeError(
          "TRAINER_PART",
          `The rule "${rule.name}" gave the negative ${entity} for (${heads[b]}, ${relations[b]}, ?); entities are 0 to ${entities - 1}.`,
          { value: entity },
        );
      }
      candidates[at++] = entity;
    }
  }
}
