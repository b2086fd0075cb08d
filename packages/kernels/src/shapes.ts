import { constants, encoders, type relationTables, type similarities } from "./_generated.js";
import type { Engine } from "./engine.js";

/** How a query point and an entity point make a score. `relationHyperbolic` is for one curvature per relation. */
export type Similarity = keyof typeof similarities;

/** A fused query encoder. */
export type EncoderName = keyof typeof encoders;

/** Names of the fused query encoders. */
export const encoderNames = Object.keys(encoders) as readonly EncoderName[];

/** A table that some encoders read, a row for each relation. */
export type RelationTable = (typeof relationTables)[number];

/** The largest dimension: rows of scratch memory in the kernels are this long. */
export const { maxDim } = constants;

/** Rows of points and queries are padded with zeros to whole vectors of the widest instruction set. */
export function rowStride(dim: number): number {
  return Math.ceil(dim / constants.rowMultiple) * constants.rowMultiple;
}

/** Length of the packed copy of n points. */
export function packedLength(n: number, dim: number): number {
  return Math.ceil(n / constants.packedMultiple) * constants.packedMultiple * rowStride(dim);
}

/**
 * Encoded queries. For hyperbolic similarities `q` lies in the unit ball (sqrt(c) times the point in the ball of curvature -c).
 */
export interface QueryBatch {
  /** B, at most the capacity it was made with. */
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

/** Entities as the similarities see them. */
export interface PointTable {
  /** n, at most the capacity it was made with */
  readonly size: number;
  readonly dim: number;
  /** n x stride: the point, in the unit ball where hyperbolic; for `relationHyperbolic` its unit direction */
  readonly points: Float32Array;
  /** n: squared norm; for `relationHyperbolic` the norm of the tangent vector */
  readonly norm: Float32Array;
  /** n: 1 / (1 - |p|^2) where hyperbolic */
  readonly alpha: Float32Array;
  /** n: b_t */
  readonly bias: Float32Array;
  /** The points once more in the order of the all-entity kernels, or null where those are not used. */
  readonly packed: Float32Array | null;
}

/** Which of B x K pairs of queries and candidates touch which row (see `Kernels.plan`). */
export interface Plan {
  /** number of distinct rows */
  readonly size: number;
  /** distinct ids of the pairs and the others, ascending */
  readonly rows: Int32Array;
  /** the pairs of `rows[i]` are `entries[offsets[i] .. offsets[i + 1])`, ascending; a row of the others alone has none */
  readonly offsets: Int32Array;
  readonly entries: Int32Array;
  /** each of the others' index into `rows` */
  readonly local: Int32Array;
}

/** A query batch with room for `capacity` queries. */
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

/** A point table with room for `capacity` entities; `packed` if all-entity kernels will read it. */
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

/** A plan with room for so many pairs and others. */
export function plan(engine: Engine, pairs: number, others: number): Plan & { size: number } {
  return {
    size: 0,
    // counting writes one row more, before it knows whether that is used
    rows: engine.int32(pairs + others + 1),
    offsets: engine.int32(pairs + others + 1),
    entries: engine.int32(pairs),
    local: engine.int32(others),
  };
}

/** Gives the arrays of a query batch, point table or plan back to the engine. */
export function freeAll(engine: Engine, owner: QueryBatch | PointTable | Plan): void {
  for (const value of Object.values(owner)) if (ArrayBuffer.isView(value)) engine.free(value as Float32Array);
}
