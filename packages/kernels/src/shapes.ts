import { constants, encoders, type relationTables, type similarities } from "./_generated.js";
import type { Engine } from "./engine.js";

/**
 * How a query point q and an entity point p make a score: `dot` is <q, p>, `euclidean` -|q - p|^2, `hyperbolic` minus the squared distance in the
 * Poincare ball, and `relationHyperbolic` the same with a curvature per query.
 */
export type Similarity = keyof typeof similarities;

/** The name of a fused query encoder. */
export type EncoderName = keyof typeof encoders;

/** The names of the fused query encoders. */
export const encoderNames = /* @__PURE__ */ Object.keys(encoders) as readonly EncoderName[];

/** The name of a table with a row per relation, which some encoders read. */
export type RelationTable = (typeof relationTables)[number];

/** The largest dimension of the kernels. */
export const { maxDim } = constants;

/** The length of a row of queries or points: `dim` rounded up to a multiple of 16. Zeros fill the rest. */
export function rowStride(dim: number): number {
  return Math.ceil(dim / constants.rowMultiple) * constants.rowMultiple;
}

/** The length of the packed copy of n points. */
function packedLength(n: number, dim: number): number {
  return Math.ceil(n / constants.packedMultiple) * constants.packedMultiple * rowStride(dim);
}

/** B encoded queries. For hyperbolic similarities `q` is in the unit ball: sqrt(c) times the point in the ball of curvature -c. */
export interface QueryBatch {
  /** B, up to the capacity it was made with */
  readonly size: number;
  readonly dim: number;
  /** B x stride */
  readonly q: Float32Array;
  /** |q|^2, B */
  readonly square: Float32Array;
  /** 1 / (1 - |q|^2), B; 1 unless hyperbolic */
  readonly alpha: Float32Array;
  /** c of each query, B; null unless hyperbolic */
  readonly curvature: Float32Array | null;
  /** b_h of each query, B, or null */
  readonly headBias: Float32Array | null;
}

/** Entities as the similarities read them. */
export interface PointTable {
  /** n, up to the capacity it was made with */
  readonly size: number;
  readonly dim: number;
  /** n x stride: points, in the unit ball for `hyperbolic`; unit directions for `relationHyperbolic` */
  readonly points: Float32Array;
  /** n: squared norms; norms of the tangent vectors for `relationHyperbolic` */
  readonly norm: Float32Array;
  /** n: 1 / (1 - |p|^2) for `hyperbolic`, else 1 */
  readonly alpha: Float32Array;
  /** n: tail biases */
  readonly bias: Float32Array;
  /** a copy of the points in the layout of the all-entity kernels, or null */
  readonly packed: Float32Array | null;
}

/** Which of B x K pairs of queries and candidates touch which entity row. `Kernels.plan` fills it. */
export interface Plan {
  /** the number of distinct rows */
  readonly size: number;
  /** the distinct ids of pairs and others, ascending */
  readonly rows: Int32Array;
  /** `entries[offsets[i] .. offsets[i + 1])` are the pairs of `rows[i]`, ascending */
  readonly offsets: Int32Array;
  readonly entries: Int32Array;
  /** the others' indices into `rows` */
  readonly local: Int32Array;
}

/** Makes a query batch with room for `capacity` queries. */
export function queryBatch(engine: Engine, capacity: number, dim: number): QueryBatch & { size: number } {
  return {
    size: capacity,
    dim,
    q: engine.float32(capacity * rowStride(dim)),
    square: engine.float32(capacity),
    alpha: engine.float32(capacity),
    curvature: engine.float32(capacity),
    headBias: engine.float32(capacity),
  };
}

/** Makes a point table with room for `capacity` entities. Set `packed` if all-entity kernels will read it. */
export function pointTable(
  engine: Engine,
  capacity: number,
  dim: number,
  packed: boolean,
): PointTable & { size: number } {
  return {
    size: capacity,
    dim,
    points: engine.float32(capacity * rowStride(dim)),
    norm: engine.float32(capacity),
    alpha: engine.float32(capacity),
    bias: engine.float32(capacity),
    packed: packed ? engine.float32(packedLength(capacity, dim)) : null,
  };
}

/** Makes a plan with room for so many pairs and others. */
export function plan(engine: Engine, pairs: number, others: number): Plan & { size: number } {
  return {
    size: 0,
    // The kernel writes a row before it knows whether the row is used.
    rows: engine.int32(pairs + others + 1),
    offsets: engine.int32(pairs + others + 1),
    entries: engine.int32(pairs),
    local: engine.int32(others),
  };
}

/** Frees the arrays of a query batch, point table or plan. */
export function freeAll(engine: Engine, owner: QueryBatch | PointTable | Plan): void {
  for (const value of Object.values(owner)) if (ArrayBuffer.isView(value)) engine.free(value as Float32Array);
}
