import { MuldeError } from "@mulde/errors";
import type { FactIndex, QueryIds, Split } from "./_known-facts.js";
import type { KgeModel } from "./model.js";

/** A triple and its score; `known` is the split that holds it, or false. */
export interface ScoredTriple {
  readonly head: number;
  readonly relation: number;
  readonly tail: number;
  readonly score: number;
  readonly known: Split | false;
}

type Answer = Omit<ScoredTriple, "known">;

/** What `bestTriples` leaves out, or marks. */
export interface KnownAnswers {
  readonly facts: FactIndex;
  readonly mark: boolean;
}

// Queries of one call of the kernel: enough to keep all threads busy.
const BLOCK = 256;
// Answers of one call: where many are known, k is large, and fewer queries are asked at once.
const BLOCK_ANSWERS = 2 ** 22;

/** The best triples that agree with a query, which gives two of the three parts, or one entity alone; best first. */
export function bestTriples(
  model: KgeModel,
  query: QueryIds,
  top: number,
  known: KnownAnswers | undefined,
): ScoredTriple[] {
  const { head, tail } = query;
  const splitOf = new Map<string, Split>();
  const counts = new Map<number, number>();
  known?.facts.forEach(query, (h, r, t, split) => {
    const key = keyOf(h, r, t);
    if (splitOf.has(key)) return;
    splitOf.set(key, split);
    counts.set(r, (counts.get(r) ?? 0) + 1);
  });
  const leaveOut = known !== undefined && !known.mark;
  const splitFor = ({ head: h, relation: r, tail: t }: Answer): Split | false =>
    splitOf.size === 0 ? false : (splitOf.get(keyOf(h, r, t)) ?? false);
  const select = (triples: readonly Answer[]): ScoredTriple[] =>
    triples
      .map((triple) => ({ ...triple, known: splitFor(triple) }))
      .filter((triple) => !(leaveOut && triple.known !== false))
      // Stable: ties stay in the order of relations and ids.
      .sort((a, b) => b.score - a.score)
      .slice(0, top);
  const relations =
    query.relation === undefined ? Array.from({ length: model.relations }, (_, r) => r) : [query.relation];
  if (head !== undefined && tail !== undefined) return select(scoredRelations(model, head, relations, tail));

  const extra = leaveOut ? Math.max(0, ...counts.values()) : 0;
  const k = Math.min(top + extra, model.entities);
  const block = Math.max(1, Math.min(BLOCK, Math.floor(BLOCK_ANSWERS / k)));
  let best: ScoredTriple[] = [];
  for (let begin = 0; begin < relations.length; begin += block) {
    const asked = relations.slice(begin, begin + block);
    best = select([...best, ...answers(model, query, asked, k)]);
  }
  return best;
}

/** The k best answers of an entity by each of several relations. */
function answers(model: KgeModel, { head, tail }: QueryIds, relations: readonly number[], k: number): Answer[] {
  // (?, r, t) is the tail query (t, r + R, ?).
  const offset = head === undefined ? model.relations : 0;
  const entity = (head ?? tail)!;
  const { ids, scores } = model.topK(
    {
      heads: new Int32Array(relations.length).fill(entity),
      relations: Int32Array.from(relations, (r) => r + offset),
    },
    k,
  );
  return Array.from(ids, (id, at) => ({
    head: head ?? id,
    relation: relations[Math.floor(at / k)]!,
    tail: head === undefined ? entity : id,
    score: scores[at]!,
  }));
}

/** The scores of a pair of entities by every relation. */
function scoredRelations(model: KgeModel, head: number, relations: readonly number[], tail: number): Answer[] {
  const n = relations.length;
  const scores = model.score({
    heads: new Int32Array(n).fill(head),
    relations: Int32Array.from(relations),
    tails: new Int32Array(n).fill(tail),
    length: n,
  });
  return relations.map((relation, i): Answer => {
    const score = scores[i]!;
    if (Number.isFinite(score)) return { head, relation, tail, score };
    throw new MuldeError(
      "MODELS_NOT_FINITE",
      `Entity ${tail} scores ${score} in the query (${head}, ${relation}, ?): the model diverged, train it again.`,
      { value: { head, relation, entity: tail, score } },
    );
  });
}

function keyOf(head: number, relation: number, tail: number): string {
  return `${head} ${relation} ${tail}`;
}
