import type { AnswerIndex } from "@mulde/datasets";
import { z } from "zod";
import { functional } from "./functional.js";
import { neighbours } from "./neighbours.js";
import { ownHead } from "./own-head.js";
import type { AnswerRule } from "./rule.js";

// The rules without a parameter, by the names that options have for them.
const plain = { ownHead, neighbours };
type Plain = keyof typeof plain;
const names = Object.keys(plain) as [Plain, ...Plain[]];

/** What options may name, in words. */
export const ruleNames = `${names.join(", ")}, { functional: 1.05 }`;

/** A built-in rule as options name it: `ownHead`, `neighbours` or `{ functional: 1.05 }`. */
export const ruleSchema = z.union([z.enum(names), z.strictObject({ functional: z.number().positive() })], {
  error: () => `must be one of ${ruleNames}`,
});

export type RuleName = z.output<typeof ruleSchema>;

/** The rules that options name, over the training split's answers. */
export function builtInRules(wanted: readonly RuleName[], answers: () => AnswerIndex): AnswerRule[] {
  return wanted.map((name) =>
    typeof name === "string" ? plain[name](answers()) : functional(answers(), name.functional),
  );
}
