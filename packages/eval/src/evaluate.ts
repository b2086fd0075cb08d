import { checkCount } from "./_checks.js";
import { relationCategories, type RelationCategory } from "./categories.js";
import { rankTriples, type RankOptions, type SideRanks, type TripleRanks } from "./rank-triples.js";
import type { Scorer } from "./scorer.js";
import { DEFAULT_HITS, summarise, type SideMetrics } from "./summarise.js";
import type { Tie } from "./ties.js";
import type { TripleList } from "./triples.js";

/** What {@link evaluate} needs to know: what ranking does, and which metrics. */
export interface EvaluateOptions extends RankOptions {
  /** The K of Hits@K. Default [1, 3, 10]. */
  readonly hitsAt?: readonly number[] | undefined;
  /** The training triples, from which relations get their categories; absent = no `byCategory`. */
  readonly trainTriples?: TripleList | undefined;
}

/** The metrics over the ranks of both sides together, and of each. */
export interface SidedMetrics extends SideMetrics {
  /** Head prediction (?, r, t). */
  readonly head: SideMetrics;
  /** Tail prediction (h, r, ?). */
  readonly tail: SideMetrics;
}

/** The metrics of one relation. */
export interface RelationMetrics extends SidedMetrics {
  readonly relation: number;
}

/** What {@link evaluate} finds. */
export interface RankingReport extends SidedMetrics {
  /** How ties were counted. */
  readonly tie: Tie;
  /** Whether other known answers were left out. */
  readonly filtered: boolean;
  /** One entry for each relation among the ranked triples, by ascending id. */
  readonly byRelation: readonly RelationMetrics[];
  /** Every category, `ranks` 0 where nothing fell in it; relations without training triples are in none. Absent without `trainTriples`. */
  readonly byCategory?: Readonly<Record<RelationCategory, SidedMetrics>>;
  /** Wall time of the ranking. */
  readonly seconds: number;
}

/**
 * Ranks the true head and tail of every triple among all entities and sums the ranks up. Nothing in the report but `seconds` depends
 * on the batch size or on the path (plain or fused) that the scorer offers.
 *
 * @throws MuldeError as {@link rankTriples} does, and EVAL_BAD_OPTION for a K that is no positive integer.
 */
export async function evaluate(scorer: Scorer, options: EvaluateOptions): Promise<RankingReport> {
  const { triples, numRelations, trainTriples, hitsAt = DEFAULT_HITS } = options;
  // Before the ranking, so that a wrong option does not cost an evaluation.
  for (const k of hitsAt) checkCount("A K of hitsAt", k);
  const categories = trainTriples && relationCategories(trainTriples, scorer.numEntities, numRelations);

  const started = performance.now();
  const ranks = await rankTriples(scorer, options);
  const seconds = (performance.now() - started) / 1000;

  const byRelation = [...positionsBy(triples.relations, (relation) => relation)]
    .sort(([a], [b]) => a - b)
    .map(([relation, positions]) => ({ relation, ...sidedMetrics(ranks, positions, hitsAt) }));
  const report: RankingReport = {
    ...sidedMetrics(ranks, Array.from(triples.relations.keys()), hitsAt),
    tie: options.tie ?? "realistic",
    filtered: options.known !== undefined,
    byRelation,
    seconds,
  };
  if (!categories) return report;

  const kinds = positionsBy(triples.relations, (relation) => categories[relation]);
  const of = (kind: RelationCategory) => sidedMetrics(ranks, kinds.get(kind) ?? [], hitsAt);
  return { ...report, byCategory: { "1-1": of("1-1"), "1-N": of("1-N"), "N-1": of("N-1"), "N-N": of("N-N") } };
}

/** The positions of the triples by a key of their relation. */
function positionsBy<Key>(relations: Int32Array, key: (relation: number) => Key): Map<Key, number[]> {
  const groups = new Map<Key, number[]>();
  relations.forEach((relation, i) => {
    const group = groups.get(key(relation));
    if (group) group.push(i);
    else groups.set(key(relation), [i]);
  });
  return groups;
}

/** The metrics of the triples at some positions, together and by side. */
function sidedMetrics(
  { head, tail }: TripleRanks,
  positions: readonly number[],
  hitsAt: readonly number[],
): SidedMetrics {
  const metrics = (...sides: readonly SideRanks[]) => {
    // A side that was not ranked has empty columns.
    const ranked = sides.filter((side) => side.ranks.length > 0);
    const pick = (column: "ranks" | "candidates") => ranked.flatMap((side) => positions.map((i) => side[column][i]!));
    return summarise(pick("ranks"), pick("candidates"), hitsAt);
  };
  return { ...metrics(tail, head), head: metrics(head), tail: metrics(tail) };
}
