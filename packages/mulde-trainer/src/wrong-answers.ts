import type { AnswerIndex } from "@mulde/datasets";
import { Random } from "@mulde/kernels";
import { type Batch, seedOf } from "./data.js";
import type { DistilOptions, RunOptions } from "./options.js";

// A random stream of a run (see `seedOf`).
const neighboursStream = -10;

/**
 * Answers that the training split shows to be wrong, and that models rank high all the same: the query's own head and its neighbours by
 * other relations, which lie near it (on WN18RR a third of all queries rank the head above the answer), and entities whose place is taken.
 * Random negatives hardly ever are any of them.
 */
export class WrongAnswers {
  readonly #answers: AnswerIndex;
  readonly #head: boolean;
  readonly #exclusive: ExclusiveRelations | undefined;
  readonly #functional: FunctionalRelations | undefined;
  readonly #seed: number;

  /** Undefined where the options ask for none. @param answers - the training split's */
  static of(options: WrongOptions, answers: () => AnswerIndex): WrongAnswers | undefined {
    const { headNegative, neighbourNegative, functional = 0 } = options;
    return headNegative || neighbourNegative || functional > 0 ? new WrongAnswers(options, answers()) : undefined;
  }

  constructor({ headNegative, neighbourNegative, functional = 0, seed }: WrongOptions, answers: AnswerIndex) {
    this.#answers = answers;
    this.#head = headNegative;
    this.#exclusive = neighbourNegative ? new ExclusiveRelations(answers) : undefined;
    this.#functional = functional > 0 ? new FunctionalRelations(answers, functional) : undefined;
    this.#seed = seed;
  }

  /**
   * Puts each query's head in the place of its first negative, and one of its neighbours in that of the next. `candidates` is B x K, each
   * row's true answer first.
   */
  intoCandidates({ heads, relations, step }: Queries & Pick<Batch, "step">, K: number, candidates: Int32Array): void {
    const random = new Random(seedOf(this.#seed, neighboursStream * (step + 1)));
    for (let b = 0; b < heads.length; b++) {
      let at = b * K + 1;
      if (this.#headIsWrong(heads[b]!, relations[b]!)) candidates[at++] = heads[b]!;
      const neighbours = this.#neighbours(heads[b]!, relations[b]!);
      if (neighbours.length > 0 && at < (b + 1) * K) {
        candidates[at] = neighbours[Math.floor(random.uniform() * neighbours.length)]!;
      }
    }
  }

  /** Lowers each teacher's scores of wrong answers among the candidates, B x K, to the lowest of the row. `scores` is m x B x K. */
  intoScores({ heads, relations }: Queries, K: number, candidates: Int32Array, scores: Float32Array): void {
    for (let b = 0; b < heads.length; b++) {
      const wrong = this.#positions(heads[b]!, relations[b]!, candidates.subarray(b * K, (b + 1) * K));
      if (wrong.length === 0) continue;
      for (let from = b * K; from < scores.length; from += heads.length * K) {
        const row = scores.subarray(from, from + K);
        const lowest = row.reduce((a, s) => Math.min(a, s));
        for (const k of wrong) row[k] = lowest;
      }
    }
  }

  /** Where wrong answers stand among a query's candidates. */
  #positions(head: number, relation: number, candidates: Int32Array): number[] {
    const near = new Set(this.#neighbours(head, relation));
    if (this.#headIsWrong(head, relation)) near.add(head);
    const found: number[] = [];
    candidates.forEach((id, k) => {
      if (near.has(id) || this.#functional?.isTaken(head, relation, id)) found.push(k);
    });
    return found;
  }

  /** Where the training split knows the loop (h, r, h), the head is left alone. */
  #headIsWrong(head: number, relation: number): boolean {
    return this.#head && !this.#answers.has(head, relation, head);
  }

  #neighbours(head: number, relation: number): readonly number[] {
    return this.#exclusive?.neighbours(head, relation) ?? [];
  }
}

/** Which relations, reciprocals among them, never hold of the same pair in the training split. */
class ExclusiveRelations {
  readonly #answers: AnswerIndex;
  readonly #rows: number;
  /** a 2R + b where the relations a and b have a pair in common */
  readonly #shared = new Set<number>();

  constructor(answers: AnswerIndex) {
    this.#answers = answers;
    this.#rows = 2 * answers.numRelations;
    for (let head = 0; head < answers.numEntities; head++) this.#countPairs(head);
  }

  /** What stands to the head in relations of which none has a pair in common with the given one. */
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

/**
 * Relations that give a head hardly ever more than one answer. Whoever has its answer is then taken to have no other, which is the partial
 * completeness assumption (Galárraga, Teflioudi, Hose, Suchanek: "AMIE: Association Rule Mining under Incomplete Evidence in Ontological
 * Knowledge Bases", WWW 2013).
 */
class FunctionalRelations {
  readonly #answers: AnswerIndex;
  /** 2R, 1 where the relation is functional */
  readonly #functional: Uint8Array;

  /** @param most - answers for each head, on average, up to which a relation counts as functional */
  constructor(answers: AnswerIndex, most: number) {
    const rows = 2 * answers.numRelations;
    const queries = new Float64Array(rows);
    const facts = new Float64Array(rows);
    for (let head = 0; head < answers.numEntities; head++) {
      for (const relation of answers.relations(head)) {
        queries[relation]! += 1;
        facts[relation]! += answers.answers(head, relation).length;
      }
    }
    this.#answers = answers;
    this.#functional = Uint8Array.from(queries, (q, r) => (facts[r]! <= most * q ? 1 : 0));
  }

  /** Whether the entity is no answer, as the reciprocal relation is functional and gives it another one than the head. */
  isTaken(head: number, relation: number, entity: number): boolean {
    const { numRelations } = this.#answers;
    const back = relation < numRelations ? relation + numRelations : relation - numRelations;
    if (this.#functional[back] === 0) return false;
    return this.#answers.hasAny(entity, back) && !this.#answers.has(head, relation, entity);
  }
}

type WrongOptions = Pick<RunOptions, "headNegative" | "neighbourNegative" | "seed"> &
  Partial<Pick<DistilOptions, "functional">>;
type Queries = Pick<Batch, "heads" | "relations">;
