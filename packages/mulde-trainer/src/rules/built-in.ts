import type { AnswerIndex } from "@mulde/datasets";
import { z } from "zod";
import { functional } from "./functional.js";
import { neighbours } from "./neighbours.js";
import { ownHead } from "./own-head.js";
import type { AnswerRule } from "./rule.js";

/** A built-in rule as options name it: `ownHead`, `neighbours` or `{ functional: 1.05 }`. */
export const ruleSchema = z.union(
  [z.enum(["ownHead", "neighbours"]), z.strictObject({ functional: z.number().positive() })],
  {
    error: () => "must be ownHead, neighbours or { functional: 1.05 }",
  },
);

export type RuleName = z.output<typeof ruleSchema>;

/** The rules that options name, over the training split's answers. */
export function builtInRules(names: readonly RuleName[], answers: () => AnswerIndex): AnswerRule[] {
  return names.map((name) => {
    if (name === "ownHead") return ownHead(answers());
    if (name === "neighbours") return neighbours(answers());
    return functional(answers(), name.functional);
  });
}
