import { checkCount, checkNumbers } from "./_checks.js";
import { relationCategories, type RelationCategory } from "./categories.js";
import { checkRanking, rankTriples, type RankOptions, type SideRanks, type TripleRanks } from "./rank-triples.js";
import type { Scorer } from "./scorer.js";
import { DEFAULT_HITS, summarise, type SideMetrics } from "./summarise.js";
import type { Tie } from "./ties.js";
import type { TripleList } from "./triples.js";

/** What to rank, how, and which metrics to report. */
export interface EvaluateOptions extends RankOptions {
  /** The K of Hits@K. Default [1, 3, 10]. */
  readonly hitsAt?: readonly number[] | undefined;
  /** The training triples, which give relations their categories. Without them the report has no `byCategory`. */
  readonly trainTriples?: TripleList | undefined;
}

/** The metrics over both sides together, and over each. */
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

/** What {@link evaluate} reports. */
export interface RankingReport extends SidedMetrics {
  /** How ties were counted. */
  readonly tie: Tie;
  /** Whether the ranking left out other known answers. */
  readonly filtered: boolean;
  /** One entry per relation of the ranked triples, by ascending id. */
  readonly byRelation: readonly RelationMetrics[];
  /** Every category, with `ranks` 0 if it is empty; relations without training triples are in none. Only with `trainTriples`. */
  readonly byCategory?: Readonly<Record<RelationCategory, SidedMetrics>>;
  /** Wall time of the ranking. */
  readonly seconds: number;
}

/**
 * Ranks the true head and tail of every triple among all entities and computes the metrics. Only `seconds` depends on the batch size and on
 * whether the scorer has a fused path.
 *
 * @throws MuldeError as {@link rankTriples} does, and EVAL_BAD_OPTION for a K that is not a positive integer.
 */
export async function evaluate(scorer: Scorer, options: EvaluateOptions): Promise<RankingReport> {
  // Check before ranking, so that a wrong option does not cost an evaluation.
  checkRanking(scorer, options);
  const { triples, numRelations, trainTriples, hitsAt = DEFAULT_HITS } = options;
  checkNumbers(["hitsAt"], hitsAt);
  // Array.from: a loop would skip holes.
  Array.from(hitsAt).forEach((k, i) => checkCount(["hitsAt", i], k));
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
    filtered: Boolean(options.known),
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
    // A side that was left out has empty columns.
    const ranked = sides.filter((side) => side.ranks.length > 0);
    const pick = (column: "ranks" | "candidates") => ranked.flatMap((side) => positions.map((i) => side[column][i]!));
    return summarise(pick("ranks"), pick("candidates"), hitsAt);
  };
  return { ...metrics(tail, head), head: metrics(head), tail: metrics(tail) };
}
