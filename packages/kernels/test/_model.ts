// A random model in float64 (with float32 values), its scores by the reference, and its tables for an engine.
import { queryBatch, pointTable, Random } from "../src/index.js";
import type { EncoderName, EncoderTables, Kernels, PointTable, QueryBatch, Similarity } from "../src/index.js";
import { distance, dot, encode, expmap0, squaredDistance } from "./_reference.js";
import type { Vector } from "./_reference.js";

export const relationTables = [
  "relation",
  "rotation",
  "reflection",
  "innerTranslation",
  "context",
  "diagonal",
] as const;
export type RelationTable = (typeof relationTables)[number];

interface EncoderTraits {
  readonly tables: readonly RelationTable[];
  /** of the dimension */
  readonly multiple: 1 | 2 | 4;
  readonly similarities: readonly Similarity[];
}

const flat = ["euclidean", "dot"] as const;
const curved = ["hyperbolic", "relationHyperbolic"] as const;

const traits: Readonly<Record<EncoderName, EncoderTraits>> = {
  TransE: { tables: ["relation"], multiple: 1, similarities: flat },
  DistE: { tables: ["relation"], multiple: 1, similarities: flat },
  RotE: { tables: ["relation", "rotation"], multiple: 2, similarities: flat },
  RefE: { tables: ["relation", "reflection"], multiple: 2, similarities: flat },
  AttE: { tables: ["relation", "rotation", "reflection", "context"], multiple: 2, similarities: flat },
  TransH: { tables: ["relation"], multiple: 1, similarities: curved },
  DistH: { tables: ["relation"], multiple: 1, similarities: curved },
  RotH: { tables: ["relation", "rotation", "innerTranslation"], multiple: 2, similarities: curved },
  RefH: { tables: ["relation", "reflection"], multiple: 2, similarities: curved },
  AttH: { tables: ["relation", "rotation", "reflection", "context"], multiple: 2, similarities: curved },
  ComplEx: { tables: ["relation"], multiple: 2, similarities: ["dot"] },
  CP: { tables: ["relation"], multiple: 2, similarities: ["dot"] },
  SimplE: { tables: ["relation"], multiple: 2, similarities: ["dot"] },
  QuatE: { tables: ["relation"], multiple: 4, similarities: ["dot"] },
  RotatE: { tables: ["rotation"], multiple: 2, similarities: ["euclidean"] },
  MuRE: { tables: ["relation", "diagonal"], multiple: 1, similarities: ["euclidean"] },
  MuRP: { tables: ["relation", "diagonal"], multiple: 1, similarities: curved },
};

/** Which relation tables an encoder reads. */
export const tablesOf = (encoder: EncoderName): readonly RelationTable[] => traits[encoder].tables;
/** What its dimension must be a multiple of. */
export const multipleOf = (encoder: EncoderName): number => traits[encoder].multiple;
export const similaritiesOf = (encoder: EncoderName): readonly Similarity[] => traits[encoder].similarities;
export const isHyperbolic = (encoder: EncoderName): boolean => traits[encoder].similarities === curved;
/** The width of a relation's row. */
export const widthOf = (encoder: EncoderName, dim: number): number => (encoder === "CP" ? dim / 2 : dim);

export interface ModelShape {
  readonly encoder: EncoderName;
  readonly similarity: Similarity;
  readonly dim: number;
  readonly entities: number;
  /** rows of the relation tables */
  readonly relations: number;
  /** one value for all, or drawn around it for each relation */
  readonly curvature: number;
  /** largest sqrt(c)|u| of an entity (Euclidean: largest |u|) */
  readonly radius: number;
  readonly seed: number;
}

export interface Model extends ModelShape {
  /** one, or one for each relation */
  readonly c: Vector;
  readonly entity: Vector;
  readonly headBias: Vector;
  readonly tailBias: Vector;
  readonly tables: Readonly<Record<RelationTable, Vector>>;
}

function rows(count: number, dim: number, length: (random: Random) => number, random: Random): Vector {
  const out = new Float64Array(count * dim);
  for (let i = 0; i < count; i++) {
    const row = Array.from({ length: dim }, () => random.normal());
    const f = length(random) / Math.hypot(...row);
    row.forEach((value, k) => (out[i * dim + k] = Math.fround(value * f)));
  }
  return out;
}

export function randomModel(shape: ModelShape): Model {
  const { dim, entities, relations, similarity } = shape;
  const random = new Random(shape.seed);
  const c = Float64Array.from({ length: similarity === "relationHyperbolic" ? relations : 1 }, (_, r) =>
    Math.fround(shape.curvature * (similarity === "relationHyperbolic" ? 0.5 + (r + random.uniform()) / relations : 1)),
  );
  const s = isHyperbolic(shape.encoder) ? Math.sqrt(shape.curvature) : 1;
  // Lengths stay away from 0, where the angle of a pair is not differentiable.
  const pairs = () => {
    const out = new Float64Array(relations * dim);
    for (let i = 0; i + 1 < out.length; i += 2) {
      const angle = 2 * Math.PI * random.uniform();
      const length = 0.5 + random.uniform();
      out[i] = Math.fround(length * Math.cos(angle));
      out[i + 1] = Math.fround(length * Math.sin(angle));
    }
    return out;
  };
  const small = (r: Random) => (0.5 * Math.min(shape.radius, 1) * r.uniform() + 0.01) / s;
  // Products get entries near 1: a query is then about as long as its head, and expmap0 does not saturate.
  const shrink = Math.max(1, s * Math.sqrt(dim));
  const multiplies = /^(Dist|ComplEx|CP|SimplE|QuatE)/.test(shape.encoder);
  const relation = multiplies
    ? Float64Array.from({ length: relations * widthOf(shape.encoder, dim) }, () =>
        Math.fround((0.3 + random.uniform()) / shrink),
      )
    : rows(relations, dim, small, random);
  const bias = () => Float64Array.from({ length: entities }, () => Math.fround(random.normal()));
  return {
    ...shape,
    c,
    entity: rows(entities, dim, (r) => (shape.radius * (0.2 + 0.8 * r.uniform())) / s, random),
    headBias: bias(),
    tailBias: bias(),
    tables: {
      relation,
      rotation: pairs(),
      reflection: pairs(),
      innerTranslation: rows(relations, dim, small, random),
      context: rows(relations, dim, () => 1, random),
      diagonal: Float64Array.from({ length: relations * dim }, () => Math.fround(0.3 + random.uniform())),
    },
  };
}

export function row(table: Vector, dim: number, i: number): Vector {
  return table.subarray(i * dim, (i + 1) * dim);
}

export function curvatureOf(model: Model, relation: number): number {
  return model.c.length > 1 ? model.c[relation]! : model.c[0]!;
}

export function query(model: Model, head: number, relation: number): Vector {
  const { dim, tables } = model;
  const rowsOf = {
    relation: row(tables.relation, widthOf(model.encoder, dim), relation),
    rotation: row(tables.rotation, dim, relation),
    reflection: row(tables.reflection, dim, relation),
    innerTranslation: row(tables.innerTranslation, dim, relation),
    context: row(tables.context, dim, relation),
    diagonal: row(tables.diagonal, dim, relation),
  };
  return encode(model.encoder, row(model.entity, dim, head), rowsOf, curvatureOf(model, relation));
}

/** The score of entity e for an encoded query, with biases. */
export function scoreOf(model: Model, q: Vector, head: number, relation: number, e: number): number {
  const c = curvatureOf(model, relation);
  const u = row(model.entity, model.dim, e);
  const bias = model.headBias[head]! + model.tailBias[e]!;
  if (model.similarity === "dot") return dot(q, u) + bias;
  if (model.similarity === "euclidean") return bias - squaredDistance(q, u);
  return bias - distance(q, expmap0(u, c), c) ** 2;
}

/**
 * How far a kernel's score may be from the reference's. Both points are rounded to float32, so that |q - p|^2 has a relative error
 * of a few 2^-24 (|q| + |p|) / |q - p|; in product form (scoreAll) of 50 2^-24 at most, times a few for the sum. What that makes of
 * the score follows from its derivative; 1e-6 of the score and the biases is for the rest of the arithmetic.
 */
export function scoreTolerance(
  model: Model,
  q: Vector,
  relation: number,
  e: number,
  product: boolean,
  score: number,
): number {
  const c = curvatureOf(model, relation);
  const hyperbolic = isHyperbolic(model.encoder);
  const u = row(model.entity, model.dim, e);
  const p = hyperbolic ? expmap0(u, c) : u;
  const rest = 1e-6 * (Math.abs(score) + 3);
  const ulp = 2 ** -24;
  const size = Math.sqrt(dot(q, q)) + Math.sqrt(dot(p, p));
  if (model.similarity === "dot") return rest + 4 * ulp * size * size;
  const D = squaredDistance(q, p);
  // The absolute error of D, which covers D = 0.
  const error =
    4 * ulp * size * Math.sqrt(D) +
    4 * (ulp * size) ** 2 +
    (product && D > 0.019 * (dot(q, q) + dot(p, p)) ? 6 * ulp * size * size : 0);
  if (!hyperbolic) return rest + error;
  const f = (2 * c) / ((1 - c * dot(q, q)) * (1 - c * dot(p, p)));
  const squared = (x: number) => Math.log1p(f * x + Math.sqrt(f * x * (f * x + 2))) ** 2 / c;
  return rest + squared(D + error) - squared(Math.max(0, D - error));
}

/** The model's tables in arrays of an engine. */
export interface Tables extends EncoderTables {
  readonly headBias: Float32Array;
  readonly tailBias: Float32Array;
}

export function copy(kernels: Kernels, values: ArrayLike<number>): Float32Array {
  const out = kernels.engine.float32(values.length);
  out.set(values);
  return out;
}

export function ints(kernels: Kernels, values: ArrayLike<number>): Int32Array {
  const out = kernels.engine.int32(values.length);
  out.set(values);
  return out;
}

export function tables(kernels: Kernels, model: Model): Tables {
  const used = tablesOf(model.encoder);
  const table = (name: RelationTable) => (used.includes(name) ? copy(kernels, model.tables[name]) : null);
  return {
    encoder: model.encoder,
    dim: model.dim,
    entity: copy(kernels, model.entity),
    headBias: copy(kernels, model.headBias),
    tailBias: copy(kernels, model.tailBias),
    relation: table("relation"),
    rotation: table("rotation"),
    reflection: table("reflection"),
    innerTranslation: table("innerTranslation"),
    context: table("context"),
    diagonal: table("diagonal"),
  };
}

/** Encodes queries, with their curvatures and head biases. */
export function encodeQueries(
  kernels: Kernels,
  model: Model,
  t: Tables,
  heads: Int32Array,
  relations: Int32Array,
): QueryBatch {
  const out = queryBatch(kernels.engine, heads.length, model.dim);
  relations.forEach((r, b) => (out.curvature![b] = curvatureOf(model, r)));
  heads.forEach((h, b) => (out.headBias![b] = model.headBias[h]!));
  kernels.encode(t, heads, relations, out);
  return out;
}

/** The points of all entities, or of some rows. */
export function entityPoints(
  kernels: Kernels,
  model: Model,
  t: Tables,
  some: Int32Array | null,
  packed: boolean,
): PointTable {
  const out = pointTable(kernels.engine, some?.length ?? model.entities, model.dim, packed);
  kernels.points(model.similarity, t.entity, some, model.c[0]!, t.tailBias, out);
  return out;
}
