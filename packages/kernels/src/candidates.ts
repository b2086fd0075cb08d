import { constants } from "./_generated.js";
import { pairArguments } from "./_pairs.js";
import type { Engine, KernelArgument } from "./engine.js";
import { QueryKernels } from "./queries.js";
import { type Plan, type PointTable, type QueryBatch, rowStride, type Similarity } from "./shapes.js";

/** What the forward pass over a plan leaves for the backward pass, B x K each in the plan's order; the last two for `relationHyperbolic` only. */
export interface PairTerms {
  /** squared distances or inner products */
  readonly terms: Float32Array;
  /** <v, q - t v> */
  readonly along: Float32Array | null;
  /** t = tanh(sqrt(c) n) */
  readonly radii: Float32Array | null;
}

/** Memory for up to `size` pairs. */
export function pairTerms(engine: Engine, similarity: Similarity, size: number): PairTerms {
  const own = similarity === "relationHyperbolic";
  return {
    terms: engine.float32(size),
    along: own ? engine.float32(size) : null,
    radii: own ? engine.float32(size) : null,
  };
}

/** Gradients on both sides of a plan's pairs. */
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

// Up to here a counting sort is the faster one, though its time grows with the entities.
const countedEntitiesPerId = 2;
const { planPieces, queryPieces } = constants;

/** Kernels over each query's own candidates. */
export class CandidateKernels extends QueryKernels {
  readonly #planSize = new Int32Array(1);

  /** Fills a plan of the pairs' rows and of those of others, such as the heads (each in 0..N-1); returns how many distinct rows there are. */
  plan(pairs: Int32Array, others: Int32Array, entities: number, out: Plan): number {
    const [m, h] = [pairs.length, others.length];
    const { rows, offsets, entries, local } = out;
    // Counting reads a list of all entities, which a step over a large graph must not.
    const counting = entities <= countedEntitiesPerId * (m + h);
    const counts = counting ? this.scratch32("counts", (planPieces + 1) * entities) : null;
    const items = counting ? null : this.scratch32("items", 4 * (m + h));
    const written = [rows, offsets, entries, local, items, counts, this.#planSize];
    this.engine.call("plan", [pairs, m, others, h, entities, ...written]);
    return this.#planSize[0]!;
  }

  /** Scores (B x K) of each query's candidates; `ids` (B x K) are rows of `points`. */
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
   * As `candidates`, by a plan of the pairs, with `points` made for the plan's rows: what training uses, where candidates are random.
   * Fills `pairs` for the backward pass.
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
    this.engine.call("plannedCandidates", [...call, ...planArguments(plan, K, pairs), scores]);
  }

  /**
   * From dL/ds (B x K) after `plannedCandidates`: dq (B x stride), dc (B, added to) and the head biases' gradients (B) on the
   * queries' side; the points' gradients, to be finished by `pointsBackward`, and the tail biases' on the side of the plan's rows.
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
    const { size } = queries;
    this.engine.call("plannedBackward", [
      ...pairArguments("plannedBackward", similarity, queries, points),
      ...planArguments(plan, K, pairs),
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

function planArguments(plan: Plan, K: number, { terms, along, radii }: PairTerms): KernelArgument[] {
  return [K, plan.size, plan.offsets, plan.entries, terms, along, radii];
}
