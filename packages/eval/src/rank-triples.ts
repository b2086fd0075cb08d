import { MuldeError } from "@mulde/errors";
import { checkCallable, checkChoice, checkCount, checkObject, checkTriples } from "./_checks.js";
import { checkKnown, withFilter } from "./_filter.js";
import { countRanks } from "./count-ranks.js";
import type { KnownAnswers } from "./known-answers.js";
import type { RankCounts, RankQueries, Scorer } from "./scorer.js";
import { ranksFromCounts, TIES, type Tie } from "./ties.js";
import type { TripleList } from "./triples.js";

/** Head prediction (?, r, t), tail prediction (h, r, ?), or both. */
export type Sides = "both" | "head" | "tail";

/** What to rank, and how. */
export interface RankOptions {
  /** The triples to rank, usually a test split. */
  readonly triples: TripleList;
  /** R, without reciprocals: head queries ask for relation r + R. */
  readonly numRelations: number;
  /** The answers to leave out of each ranking. Without it the ranking is raw: other true answers compete. */
  readonly known?: KnownAnswers | undefined;
  /** How to count ties. Default "realistic". */
  readonly tie?: Tie | undefined;
  /** Default "both". */
  readonly sides?: Sides | undefined;
  /** Queries per call of the scorer; it never changes a rank. Default: as many as fit a B x N block of 64 MiB, at most 1024. */
  readonly batchSize?: number | undefined;
  /** Called after each block with the number of queries ranked so far and the total. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Stops the ranking before the next block; the promise rejects with the signal's reason. Scorers get it too. */
  readonly signal?: AbortSignal | undefined;
}

/** The ranking of one side, in the order of the triples; all columns are empty if `sides` leaves it out. */
export interface SideRanks {
  /** 1 is best; ties count as `tie` says. */
  readonly ranks: Float64Array;
  /** How many entities competed, the target included: N minus the filtered ones. */
  readonly candidates: Int32Array;
  /** Competitors strictly above the target. {@link ranksFromCounts} turns this and `equal` into the other kinds of rank. */
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

/** Scores of a default block, 64 MiB of float32: enough for any engine, small beside a model of that many entities. */
const BLOCK_SCORES = 2 ** 24;

/** More queries make a block no faster, and progress coarser. */
const MAX_BATCH = 1024;

/** Ids are 32-bit. */
const MAX_ENTITIES = 2 ** 31 - 1;

/** Milliseconds until the event loop gets a turn: short enough for a progress bar and Ctrl-C, long enough to cost nothing. */
const BREATH = 50;

/**
 * Ranks the true entity of every triple among all entities, by the scorer's fused path if it has one.
 *
 * @throws MuldeError EVAL_BAD_TRIPLES, EVAL_BAD_OPTION or EVAL_BAD_FILTER for input that cannot be ranked; SCORE_NOT_FINITE for a NaN or
 * infinite score; EVAL_BAD_COUNTS if the fused path returns impossible counts. Errors of the scorer pass through.
 */
export async function rankTriples(scorer: Scorer, options: RankOptions): Promise<TripleRanks> {
  checkRanking(scorer, options);
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

/** Ranks tail queries block by block; head queries arrive as tail queries of the reciprocal relation. */
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
      // A value that the scorer forgets to write must not pass for a score of an earlier block.
      rows.fill(Number.NaN);
      await scorer.scoreAll(block.heads, block.relations, rows, { signal });
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
  // A value that the scorer forgets to write must not pass for a count of 0, the perfect rank.
  greater.fill(-1);
  equal.fill(-1);
  await scorer.rank(queries, counts);
  for (let b = 0; b < candidates.length; b++) {
    if (greater[b]! >= 0 && equal[b]! >= 0 && greater[b]! + equal[b]! < candidates[b]!) continue;
    throw new MuldeError(
      "EVAL_BAD_COUNTS",
      `The scorer's rank counts ${String(greater[b])} entities above the answer of (${String(queries.heads[b])}, ${String(queries.relations[b])}, ?) and ${String(equal[b])} level with it, but there are ${String(candidates[b]! - 1)} competitors; it must write both counts of every query, without the target and the filtered entities.`,
    );
  }
}

/** Checks everything that can be checked before a score is asked for. Throws as {@link rankTriples} does. */
export function checkRanking(scorer: Scorer, options: RankOptions): void {
  checkObject(["scorer"], scorer, "a scorer, such as modelScorer(model)");
  checkObject(["options"], options, "an object with triples and numRelations");
  const { triples, numRelations, batchSize, tie, sides, known, onProgress, signal } = options;
  checkCount(["scorer", "numEntities"], scorer.numEntities);
  if (scorer.numEntities > MAX_ENTITIES) {
    const reason = `may be at most ${String(MAX_ENTITIES)}, but is ${String(scorer.numEntities)}.`;
    throw new MuldeError("EVAL_BAD_OPTION", reason, { path: ["scorer", "numEntities"], value: scorer.numEntities });
  }
  if (typeof (scorer as Partial<Scorer>).scoreAll !== "function") {
    throw new MuldeError(
      "EVAL_BAD_OPTION",
      "has no function scoreAll; make a scorer of a teacher by teacherScorer(teacher, { entities }).",
      { path: ["scorer"] },
    );
  }
  checkCount(["numRelations"], numRelations);
  if (scorer.numRelations !== undefined && scorer.numRelations !== numRelations) {
    throw new MuldeError(
      "EVAL_BAD_OPTION",
      `is ${String(numRelations)}, but the scorer's numRelations is ${String(scorer.numRelations)}; pass the number of the data that it was trained on.`,
      { path: ["numRelations"], value: numRelations },
    );
  }
  if (batchSize !== undefined) checkCount(["batchSize"], batchSize);
  checkCallable(["onProgress"], onProgress);
  checkCallable(["signal"], signal, "throwIfAborted");
  checkChoice("tie", tie, TIES);
  checkChoice("sides", sides, ["both", "head", "tail"]);
  checkKnown(known);
  checkTriples(triples, scorer.numEntities, numRelations, ["triples"]);
  if (triples.length === 0) {
    throw new MuldeError("EVAL_BAD_TRIPLES", "there is nothing to rank; pass at least one triple.", {
      path: ["triples"],
    });
  }
}
