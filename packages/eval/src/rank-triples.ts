import { checkCount, checkTriples } from "./_checks.js";
import { withFilter } from "./_filter.js";
import { countRanks } from "./count-ranks.js";
import { MuldeError } from "@mulde/errors";
import type { KnownAnswers } from "./known-answers.js";
import type { RankCounts, RankQueries, Scorer } from "./scorer.js";
import { ranksFromCounts, TIES, type Tie } from "./ties.js";
import type { TripleList } from "./triples.js";

/** Head prediction (?, r, t), tail prediction (h, r, ?), or both. */
export type Sides = "both" | "head" | "tail";

/** What {@link rankTriples} needs to know. */
export interface RankOptions {
  /** The triples to rank, usually a test split. */
  readonly triples: TripleList;
  /** R: the head queries ask for relation r + R. */
  readonly numRelations: number;
  /** The answers to leave out of each ranking; absent = raw ranking, where other true answers compete. */
  readonly known?: KnownAnswers | undefined;
  /** How ties count. Default "realistic". */
  readonly tie?: Tie | undefined;
  /** Default "both". */
  readonly sides?: Sides | undefined;
  /** Queries for each call of the scorer; never changes a rank. Default: what keeps the B x N block within 64 MiB, at most 1024. */
  readonly batchSize?: number | undefined;
  /** Called after each block with the number of queries ranked so far and in all. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Stops before the next block; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The ranking of one side, all columns in the order of the triples; empty when that side was not asked for. */
export interface SideRanks {
  /** Best rank 1, ties as asked for. */
  readonly ranks: Float64Array;
  /** How many entities competed, the target included: N less the filtered ones. */
  readonly candidates: Int32Array;
  /** Competitors strictly above the target. From this and `equal`, {@link ranksFromCounts} makes the other kinds of rank. */
  readonly greater: Int32Array;
  /** Competitors level with the target. */
  readonly equal: Int32Array;
}

/** The rankings of both sides. */
export interface TripleRanks {
  /** Head prediction (?, r, t). */
  readonly head: SideRanks;
  /** Tail prediction (h, r, ?). */
  readonly tail: SideRanks;
}

/** Scores in a default block, 64 MiB of float32: enough to fill any engine, small beside a model of as many entities. */
const BLOCK_SCORES = 2 ** 24;

/** Beyond this many queries a block gains no speed, and progress gets coarse. */
const MAX_BATCH = 1024;

/** Milliseconds between two breaths of the event loop: short enough for a progress bar and Ctrl-C, too long to cost anything. */
const BREATH = 50;

/**
 * Ranks the true entity of every triple among all entities, by the scorer's fused path where it has one.
 *
 * @throws MuldeError EVAL_BAD_TRIPLES, EVAL_BAD_OPTION or EVAL_BAD_FILTER for input that cannot be ranked; SCORE_NOT_FINITE for a
 * NaN or infinite score; EVAL_BAD_COUNTS for a fused path with impossible counts. What the scorer throws passes through.
 */
export async function rankTriples(scorer: Scorer, options: RankOptions): Promise<TripleRanks> {
  checkOptions(scorer, options);
  const { triples, numRelations, sides = "both", onProgress } = options;
  const { heads, relations, tails } = triples;
  const total = triples.length * (sides === "both" ? 2 : 1);

  const tail =
    sides === "head"
      ? unranked()
      : await rankSide(scorer, options, heads, relations, tails, (done) => onProgress?.(done, total));
  const before = tail.ranks.length;
  const head =
    sides === "tail"
      ? unranked()
      : await rankSide(
          scorer,
          options,
          tails,
          relations.map((relation) => relation + numRelations),
          heads,
          (done) => onProgress?.(before + done, total),
        );
  return { head, tail };
}

function unranked(): SideRanks {
  const none = new Int32Array(0);
  return { ranks: new Float64Array(0), candidates: none, greater: none, equal: none };
}

/** Ranks queries that are all tail queries by now, block by block. */
async function rankSide(
  scorer: Scorer,
  options: RankOptions,
  heads: Int32Array,
  relations: Int32Array,
  targets: Int32Array,
  onDone: (done: number) => void,
): Promise<SideRanks> {
  const { numEntities } = scorer;
  const { known, tie, signal } = options;
  const count = heads.length;
  const wanted = options.batchSize ?? Math.min(MAX_BATCH, Math.max(1, Math.floor(BLOCK_SCORES / numEntities)));
  const batchSize = Math.min(wanted, count);
  const scores = new Float32Array(scorer.rank ? 0 : batchSize * numEntities);
  const greater = new Int32Array(count);
  const equal = new Int32Array(count);
  const candidates = new Int32Array(count);

  let lastBreath = performance.now();
  for (let start = 0; start < count; start += batchSize) {
    signal?.throwIfAborted();
    const end = Math.min(start + batchSize, count);
    const block = {
      heads: heads.slice(start, end),
      relations: relations.slice(start, end),
      targets: targets.slice(start, end),
    };
    const queries = withFilter(block, known, numEntities);
    const { filterOffsets } = queries;
    for (let b = 0; b < end - start; b++) {
      candidates[start + b] = numEntities - (filterOffsets[b + 1]! - filterOffsets[b]!);
    }
    const counts = { greater: greater.subarray(start, end), equal: equal.subarray(start, end) };
    if (scorer.rank) {
      await rankFused(scorer as Required<Scorer>, queries, candidates.subarray(start, end), counts);
    } else {
      const rows = scores.subarray(0, (end - start) * numEntities);
      // What a scorer forgets to write must not pass for the score of an earlier block.
      rows.fill(Number.NaN);
      await scorer.scoreAll(block.heads, block.relations, rows);
      countRanks(rows, numEntities, queries, counts);
    }
    onDone(end);
    if (performance.now() - lastBreath > BREATH) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      lastBreath = performance.now();
    }
  }
  return { ranks: ranksFromCounts({ greater, equal }, tie), candidates, greater, equal };
}

async function rankFused(
  scorer: Required<Scorer>,
  queries: RankQueries,
  candidates: Int32Array,
  counts: RankCounts,
): Promise<void> {
  const { greater, equal } = counts;
  // What a scorer forgets to write must not pass for a count of 0, the perfect rank.
  greater.fill(-1);
  equal.fill(-1);
  await scorer.rank(queries, counts);
  for (let b = 0; b < candidates.length; b++) {
    if (greater[b]! >= 0 && equal[b]! >= 0 && greater[b]! + equal[b]! < candidates[b]!) continue;
    throw new MuldeError(
      "EVAL_BAD_COUNTS",
      `The scorer's rank counts ${String(greater[b])} entities above and ${String(equal[b])} level with the answer of (${String(queries.heads[b])}, ${String(queries.relations[b])}, ?), which has ${String(candidates[b]! - 1)} competitors; it must write both counts of every query, without the target and the filtered entities.`,
    );
  }
}

function checkOptions(scorer: Scorer, options: RankOptions): void {
  const { triples, numRelations, batchSize, tie, sides } = options;
  checkCount("numEntities of the scorer", scorer.numEntities);
  checkCount("numRelations", numRelations);
  if (batchSize !== undefined) checkCount("batchSize", batchSize);
  checkChoice("tie", tie, TIES);
  checkChoice("sides", sides, ["both", "head", "tail"]);
  checkTriples(triples, scorer.numEntities, numRelations, "triples");
  if (triples.length === 0) {
    throw new MuldeError("EVAL_BAD_TRIPLES", "There are no triples to rank; give at least one.");
  }
}

function checkChoice(name: string, value: string | undefined, choices: readonly string[]): void {
  if (value === undefined || choices.includes(value)) return;
  throw new MuldeError("EVAL_BAD_OPTION", `${name} is "${value}"; give one of ${choices.join(", ")}.`);
}
