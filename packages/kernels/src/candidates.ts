import { checkParts } from "./_fault.js";
import { constants } from "./_generated.js";
import { pairArguments } from "./_pairs.js";
import type { Engine, KernelArgument } from "./engine.js";
import { QueryKernels } from "./queries.js";
import { type Plan, type PointTable, type QueryBatch, rowStride, type Similarity } from "./shapes.js";

/** What `plannedCandidates` keeps for `plannedBackward`: B x K values each, in the plan's order. `relationHyperbolic` alone needs the last two. */
export interface PairTerms {
  /** squared distances or inner products */
  readonly terms: Float32Array;
  /** <v, q - t v> */
  readonly along: Float32Array | null;
  /** t = tanh(sqrt(c) n) */
  readonly radii: Float32Array | null;
}

/** Makes pair terms with room for `size` pairs. */
export function pairTerms(engine: Engine, similarity: Similarity, size: number): PairTerms {
  const own = similarity === "relationHyperbolic";
  return {
    terms: engine.float32(size),
    along: own ? engine.float32(size) : null,
    radii: own ? engine.float32(size) : null,
  };
}

/** The gradients that `plannedBackward` writes: by the queries and by the plan's rows. */
export interface PairGradients {
  /** B x stride */
  readonly dq: Float32Array;
  /** B, added to */
  readonly dc: Float64Array;
  /** B */
  readonly dHeadBias: Float32Array;
  /** rows x stride, for `pointsBackward` */
  readonly dPoints: Float32Array;
  /** rows, for `pointsBackward` */
  readonly radial: Float32Array;
  /** rows */
  readonly tailBias: Float32Array;
}

// With up to this many entities per id, a counting sort is faster than a radix sort, although it goes over all entities.
const countedEntitiesPerId = 2;
const { planPieces, queryPieces } = constants;

/** The kernels over each query's own candidates. */
export class CandidateKernels extends QueryKernels {
  readonly #planSize = new Int32Array(1);

  /**
   * Fills a plan of the rows of `pairs` (candidates) and `others` (such as heads), both ids from 0 to N - 1. Returns the number of distinct rows;
   * set `out.size` to it.
   */
  plan(pairs: Int32Array, others: Int32Array, entities: number, out: Plan): number {
    checkParts("plan", { pairs, others, out });
    const [m, h] = [pairs.length, others.length];
    const { rows, offsets, entries, local } = out;
    // A step over a large graph must not go over all entities.
    const counting = entities <= countedEntitiesPerId * (m + h);
    const counts = counting ? this.scratch32("counts", (planPieces + 1) * entities) : null;
    const items = counting ? null : this.scratch32("items", 4 * (m + h));
    const written = [rows, offsets, entries, local, items, counts, this.#planSize];
    this.engine.call("plan", [pairs, m, others, h, entities, ...written]);
    return this.#planSize[0]!;
  }

  /** Scores each query's candidates: B x K `ids`, which are rows of `points`, to B x K `scores`. */
  candidates(
    similarity: Similarity,
    queries: QueryBatch,
    points: PointTable,
    ids: Int32Array,
    K: number,
    scores: Float32Array,
  ): void {
    this.engine.call("candidates", [...pairArguments("candidates", similarity, queries, points), K, ids, scores]);
  }

  /**
   * Scores each query's candidates (B x K) by a plan, with `points` made for the plan's rows. This is faster than `candidates` when ids come in no
   * order, as in training. Fills `pairs` for `plannedBackward`.
   */
  plannedCandidates(
    similarity: Similarity,
    queries: QueryBatch,
    points: PointTable,
    plan: Plan,
    K: number,
    pairs: PairTerms,
    scores: Float32Array,
  ): void {
    const call = pairArguments("plannedCandidates", similarity, queries, points);
    this.engine.call("plannedCandidates", [...call, ...planArguments("plannedCandidates", plan, K, pairs), scores]);
  }

  /**
   * Computes gradients from `gradScores` = dL/ds (B x K), after `plannedCandidates`. Pass `out.dPoints` and `out.radial` to `pointsBackward` for the
   * gradients by entity rows.
   */
  plannedBackward(
    similarity: Similarity,
    queries: QueryBatch,
    points: PointTable,
    plan: Plan,
    K: number,
    pairs: PairTerms,
    gradScores: Float32Array,
    out: PairGradients,
  ): void {
    checkParts("plannedBackward", { queries, out });
    const { size } = queries;
    this.engine.call("plannedBackward", [
      ...pairArguments("plannedBackward", similarity, queries, points),
      ...planArguments("plannedBackward", plan, K, pairs),
      gradScores,
      out.dq,
      out.dc,
      out.dHeadBias,
      out.dPoints,
      out.radial,
      out.tailBias,
      this.scratch("partial", queryPieces * size * rowStride(queries.dim)),
      this.scratch64("querySums", 2 * queryPieces * size),
    ]);
  }
}

function planArguments(kernel: string, plan: Plan, K: number, pairs: PairTerms): KernelArgument[] {
  checkParts(kernel, { plan, pairs });
  const { terms, along, radii } = pairs;
  return [K, plan.size, plan.offsets, plan.entries, terms, along, radii];
}
