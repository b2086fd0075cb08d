import { closest, MuldeError } from "@mulde/errors";
import type { Engine } from "./engine.js";

/** How a query point and an entity point make a score. `relationHyperbolic` is for one curvature per relation. */
export type Similarity = "dot" | "euclidean" | "hyperbolic" | "relationHyperbolic";

// As the kernels number them.
const similarities: readonly string[] = ["dot", "euclidean", "hyperbolic", "relationHyperbolic"] satisfies Similarity[];

/** A similarity's number. */
export function similarityOf(kernel: string, similarity: Similarity): number {
  return numberOf(kernel, ["similarity"], similarities, similarity);
}

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

type RelationTable = "relation" | "rotation" | "reflection" | "innerTranslation" | "context" | "diagonal";

/** What an encoder reads besides the entities, and the dimensions that it can have. */
interface EncoderShape {
  readonly tables: readonly RelationTable[];
  /** coordinates that belong together: the dimension is a multiple of it */
  readonly multiple: 1 | 2 | 4;
  /** of a relation's row */
  readonly width: (dim: number) => number;
}

const shape = (
  tables: readonly RelationTable[],
  multiple: EncoderShape["multiple"],
  width = (dim: number): number => dim,
): EncoderShape => ({ tables, multiple, width });

export const encoderShapes: Readonly<Record<EncoderName, EncoderShape>> = {
  TransE: shape(["relation"], 1),
  DistE: shape(["relation"], 1),
  RotE: shape(["relation", "rotation"], 2),
  RefE: shape(["relation", "reflection"], 2),
  AttE: shape(["relation", "rotation", "reflection", "context"], 2),
  TransH: shape(["relation"], 1),
  DistH: shape(["relation"], 1),
  RotH: shape(["relation", "rotation", "innerTranslation"], 2),
  RefH: shape(["relation", "reflection"], 2),
  AttH: shape(["relation", "rotation", "reflection", "context"], 2),
  ComplEx: shape(["relation"], 2),
  CP: shape(["relation"], 2, (dim) => dim / 2),
  SimplE: shape(["relation"], 2),
  QuatE: shape(["relation"], 4),
  RotatE: shape(["rotation"], 2),
  MuRE: shape(["relation", "diagonal"], 1),
  MuRP: shape(["relation", "diagonal"], 1),
};

/** An encoder's number. */
export function encoderId(kernel: string, encoder: EncoderName): number {
  return numberOf(kernel, ["tables", "encoder"], encoderNames, encoder);
}

/** The position of a name among those there are. */
function numberOf(kernel: string, path: readonly string[], names: readonly string[], name: string): number {
  const at = names.indexOf(name);
  if (at >= 0) return at;
  const near = closest(String(name), names);
  throw new MuldeError(
    "KERNELS_BAD_ARGUMENT",
    `"${name}" is none of ${names.join(", ")}.${near === undefined ? "" : ` Did you mean "${near}"?`}`,
    { path: [kernel, ...path], value: name },
  );
}

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
