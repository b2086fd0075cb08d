import type { Teacher } from "@mulde/senior";
import type { AnswerRule } from "./rule.js";

/**
 * A teacher held to rules: each wrong answer gets the lowest score of its row of candidates, so that the teacher cannot recommend it.
 *
 * @param rules - as `distil` takes them
 */
export function held(teacher: Teacher, rules: readonly AnswerRule[]): Teacher {
  // Field by field: an object of a class may have them as getters.
  const { name, entities, relations, writesAll } = teacher;
  return {
    name,
    entities,
    relations,
    writesAll,
    async score(heads, relations, candidates, out, options) {
      await teacher.score(heads, relations, candidates, out, options);
      lowerWrong(rules, { heads, relations }, candidates, out);
    },
  };
}

/**
 * Lowers the scores of wrong answers to the lowest of their row.
 *
 * @param candidates - B x K
 * @param scores - m x B x K, of m teachers
 */
export function lowerWrong(
  rules: readonly AnswerRule[],
  { heads, relations }: { readonly heads: Int32Array; readonly relations: Int32Array },
  candidates: Int32Array,
  scores: Float32Array,
): void {
  if (rules.length === 0) return;
  const K = candidates.length / heads.length;
  for (let b = 0; b < heads.length; b++) {
    const [head, relation] = [heads[b]!, relations[b]!];
    const wrong: number[] = [];
    for (let k = 0; k < K; k++) {
      const entity = candidates[b * K + k]!;
      if (rules.some((rule) => rule.isWrong(head, relation, entity))) wrong.push(k);
    }
    if (wrong.length === 0) continue;
    for (let from = b * K; from < scores.length; from += candidates.length) {
      const row = scores.subarray(from, from + K);
      // Not Math.min, by which one NaN would become many, and an error would name the wrong candidate.
      const lowest = row.reduce((a, s) => (s < a ? s : a), Infinity);
      for (const k of wrong) row[k] = lowest;
    }
  }
}
