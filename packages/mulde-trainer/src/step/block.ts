/** One step's queries (h, r, ?). */
export interface Batch {
  /** epoch from 0 */
  readonly epoch: number;
  /** step from 0, over all epochs */
  readonly step: number;
  readonly heads: Int32Array;
  /** 0..2R-1: ids from R on ask the reverse question */
  readonly relations: Int32Array;
  /** the known answer of each query, or -1 */
  readonly tails: Int32Array;
}

/**
 * A rectangle of a step's score matrix: K candidates of each of B queries. Row b begins at `b * stride` of each array, whose first value
 * is the block's own; beyond K values a row belongs to other blocks.
 */
export interface CandidateBlock {
  readonly queries: Batch;
  readonly K: number;
  readonly stride: number;
  /** entity ids, to be filled by a candidate source */
  readonly candidates: Int32Array;
}

/** A block whose candidates are scored. */
export interface ScoredBlock extends CandidateBlock {
  readonly scores: Float32Array;
  /** dL/ds, to be written by a label */
  readonly gradient: Float32Array;
}

/** The block's candidates as B x K: the array itself where rows have no gap, else `out` filled with them. */
export function contiguous({ queries, K, stride, candidates }: CandidateBlock, out: Int32Array): Int32Array {
  const B = queries.heads.length;
  if (stride === K) return candidates.subarray(0, B * K);
  for (let b = 0; b < B; b++) out.set(candidates.subarray(b * stride, b * stride + K), b * K);
  return out.subarray(0, B * K);
}
