import { MuldeError } from "@mulde/errors";
import type { Engine } from "./engine.js";

/** How a query point and an entity point make a score. `relationHyperbolic` is for one curvature per relation. */
export type Similarity = "dot" | "euclidean" | "hyperbolic" | "relationHyperbolic";

/** As the kernels number them. */
export const similarityId: Readonly<Record<Similarity, number>> = {
  dot: 0,
  euclidean: 1,
  hyperbolic: 2,
  relationHyperbolic: 3,
};

/** Names of the fused query encoders, in the order in which the kernels number them. */
export const encoderNames = [
  "TransE",
  "DistE",
  "RotE",
  "RefE",
  "AttE",
  "TransH",
  "DistH",
  "RotH",
  "RefH",
  "AttH",
  "ComplEx",
  "CP",
  "SimplE",
  "QuatE",
  "RotatE",
  "MuRE",
  "MuRP",
] as const;

/** A fused query encoder. */
export type EncoderName = (typeof encoderNames)[number];

/** The largest dimension: rows of scratch memory in the kernels are this long. */
export const maxDim = 1024;

/** Rows of points and queries are padded with zeros to whole vectors of the widest instruction set. */
export function rowStride(dim: number): number {
  return Math.ceil(dim / 16) * 16;
}

// A multiple of the panels of every instruction set (48, 24, 12 and 8), so that one size of buffer suits all.
const packedRows = 48;

/** Length of the packed copy of n points. */
export function packedLength(n: number, dim: number): number {
  return Math.ceil(n / packedRows) * packedRows * rowStride(dim);
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

/** Throws unless an array is there and long enough: kernels do not check what they read and write. */
export function need(kernel: string, field: string, array: { readonly length: number } | null, length: number): void {
  if (array === null || array.length < length) {
    throw new MuldeError(
      "KERNELS_BAD_LENGTH",
      `${kernel}: ${field} holds ${array?.length ?? "no"} values, but the shapes given need ${length}.`,
    );
  }
}

/** Throws unless an array holds `rows` rows of `width` values, each `stride` values after the one before it. */
export function needRows(
  kernel: string,
  field: string,
  array: { readonly length: number } | null,
  rows: number,
  width: number,
  stride: number,
): void {
  if (!(Number.isInteger(stride) && stride >= width)) {
    throw new MuldeError(
      "KERNELS_BAD_SHAPE",
      `${kernel}: stride ${stride} is not a whole number of at least ${width}, a row's width.`,
      { path: ["stride"], value: stride },
    );
  }
  need(kernel, field, array, rows === 0 ? 0 : (rows - 1) * stride + width);
}
