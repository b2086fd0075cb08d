/** One table of parameters. */
export interface ParameterTable {
  readonly name: string;
  readonly rows: number;
  readonly width: number;
  /** rows x width */
  readonly data: Float32Array;
}

/** Columns of n triples (h, r, t). */
export interface TripleList {
  readonly heads: Int32Array;
  readonly relations: Int32Array;
  readonly tails: Int32Array;
  /** n */
  readonly length: number;
}

/** Columns of B queries (h, r, ?), r in 0..2R-1. */
export interface QueryList {
  readonly heads: Int32Array;
  readonly relations: Int32Array;
}

/** The best entities of B queries, best first. */
export interface TopK {
  readonly k: number;
  /** B x k */
  readonly ids: Int32Array;
  /** B x k */
  readonly scores: Float32Array;
}

/** B queries of a filtered ranking, as `@mulde/eval` passes them. */
export interface RankQueries {
  readonly heads: Int32Array;
  readonly relations: Int32Array;
  /** B: the entity whose rank is asked for */
  readonly targets: Int32Array;
  /** B + 1: query b leaves out `filterIds[filterOffsets[b] .. filterOffsets[b + 1])` */
  readonly filterOffsets: Int32Array;
  readonly filterIds: Int32Array;
}

/** How many entities score above and level with each query's target. */
export interface RankCounts {
  /** B */
  readonly greater: Int32Array;
  /** B */
  readonly equal: Int32Array;
}

/** A score that is NaN or infinite: the `value` of SCORE_NOT_FINITE and MODELS_NOT_FINITE. */
export interface ModelScore {
  readonly head: number;
  /** 0..2R-1 */
  readonly relation: number;
  readonly entity: number;
  readonly score: number;
}
