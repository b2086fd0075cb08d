import type { AnswerIndex } from "@mulde/datasets";
import type { Batch } from "./data.js";

/**
 * The heads of queries as wrong answers of them. A head lies near its answers, and is hardly ever drawn among random negatives: models then
 * rank it above the answer, on WN18RR in a third of all queries. Where the training split knows the loop (h, r, h), the head is left alone.
 */
export class HeadNegatives {
  readonly #answers: AnswerIndex;

  /** @param answers - the training split's */
  constructor(answers: AnswerIndex) {
    this.#answers = answers;
  }

  /** Puts each query's head in the place of its first negative. `candidates` is B x K, K > 1, each row's true answer first. */
  intoCandidates({ heads, relations }: Queries, K: number, candidates: Int32Array): void {
    for (let b = 0; b < heads.length; b++) {
      if (this.#wrong(heads[b]!, relations[b]!)) candidates[b * K + 1] = heads[b]!;
    }
  }

  /** Lowers each teacher's score of a head that is among the candidates, B x K, to the lowest of the row. `scores` is m x B x K. */
  intoScores({ heads, relations }: Queries, K: number, candidates: Int32Array, scores: Float32Array): void {
    for (let b = 0; b < heads.length; b++) {
      const own = candidates.subarray(b * K, (b + 1) * K);
      if (!own.includes(heads[b]!) || !this.#wrong(heads[b]!, relations[b]!)) continue;
      for (let from = b * K; from < scores.length; from += heads.length * K) {
        const row = scores.subarray(from, from + K);
        const lowest = row.reduce((a, s) => Math.min(a, s));
        own.forEach((id, k) => id === heads[b] && (row[k] = lowest));
      }
    }
  }

  #wrong(head: number, relation: number): boolean {
    return !this.#answers.has(head, relation, head);
  }
}

type Queries = Pick<Batch, "heads" | "relations">;
