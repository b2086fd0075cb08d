/** Triples as columns: triple i is (heads[i], relations[i], tails[i]). All three columns have `length` entries. */
export interface TripleList {
  /** Entity ids, 0..N-1. */
  readonly heads: Int32Array;
  /** Relation ids, 0..R-1: the plain relations, never their reciprocals. */
  readonly relations: Int32Array;
  /** Entity ids, 0..N-1. */
  readonly tails: Int32Array;
  readonly length: number;
}
