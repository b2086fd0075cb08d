// The gradients of a linear function of the scores, through the whole chain: by the kernels, called as a trainer calls them, and by finite
// differences of the reference.
import { pairTerms, plan as newPlan, rowStride } from "../src/index.js";
import type { EncoderGradients, Kernels, QueryBatch } from "../src/index.js";
import {
  copy,
  encodeQueries,
  entityPoints,
  ints,
  isHyperbolic,
  query,
  relationTables,
  scoreOf,
  tables,
  tablesOf,
  widthOf,
} from "./_model.js";
import type { Model, RelationTable, Tables } from "./_model.js";
import { difference } from "./_reference.js";
import type { Vector } from "./_reference.js";

/** B queries with K candidates each, and dL/ds. */
export interface Batch {
  readonly heads: readonly number[];
  readonly relations: readonly number[];
  readonly candidates: readonly number[];
  readonly K: number;
  readonly gradScores: readonly number[];
}

/** Gradients by whole tables; `c` has one entry or one for each relation. */
export interface Gradients extends Readonly<Record<RelationTable, Vector>> {
  readonly entity: Vector;
  readonly headBias: Vector;
  readonly tailBias: Vector;
  readonly c: Vector;
}

export function zeroGradients(model: Model): Gradients {
  const { tables: t } = model;
  const like = (x: Vector) => new Float64Array(x.length);
  return {
    entity: like(model.entity),
    headBias: like(model.headBias),
    tailBias: like(model.tailBias),
    c: like(model.c),
    relation: like(t.relation),
    rotation: like(t.rotation),
    reflection: like(t.reflection),
    innerTranslation: like(t.innerTranslation),
    context: like(t.context),
    diagonal: like(t.diagonal),
  };
}

export function addRow(out: Vector, dim: number, to: number, source: ArrayLike<number>, from: number): void {
  for (let i = 0; i < dim; i++) out[to * dim + i]! += source[from * dim + i]!;
}

/** encodeBackward of a batch: gradients by row, with the curvature's. */
export function encoderGradients(
  kernels: Kernels,
  model: Model,
  t: Tables,
  batch: Batch,
  q: QueryBatch,
  dq: Float32Array,
): EncoderGradients {
  const B = batch.heads.length;
  const used = tablesOf(model.encoder);
  const table = (name: RelationTable) =>
    used.includes(name) ? kernels.engine.float32(B * widthOf(model.encoder, model.dim)) : null;
  const out: EncoderGradients = {
    head: kernels.engine.float32(B * model.dim),
    relation: table("relation"),
    rotation: table("rotation"),
    reflection: table("reflection"),
    innerTranslation: table("innerTranslation"),
    context: table("context"),
    diagonal: table("diagonal"),
    curvature: kernels.engine.float64(B),
  };
  kernels.encodeBackward(t, ints(kernels, batch.heads), ints(kernels, batch.relations), q, dq, out);
  return out;
}

/** Adds what encodeBackward gave to the gradients by table, the heads' rows left out. */
export function addEncoderGradients(
  out: Gradients,
  model: Model,
  batch: Batch,
  rows: EncoderGradients,
  dc: Float64Array,
): void {
  batch.relations.forEach((r, b) => {
    const width = widthOf(model.encoder, model.dim);
    for (const name of relationTables) if (rows[name]) addRow(out[name], width, r, rows[name], b);
    if (isHyperbolic(model.encoder)) out.c[out.c.length > 1 ? r : 0]! += rows.curvature[b]! + dc[b]!;
  });
}

export function candidateGradients(
  kernels: Kernels,
  model: Model,
  batch: Batch,
): { scores: Float32Array; gradients: Gradients } {
  const { engine } = kernels;
  const { dim, similarity } = model;
  const B = batch.heads.length;
  const { K } = batch;
  const t = tables(kernels, model);
  const heads = ints(kernels, batch.heads);
  const relations = ints(kernels, batch.relations);

  const plan = newPlan(engine, B * K, B);
  plan.size = kernels.plan(ints(kernels, batch.candidates), heads, model.entities, plan);
  const touched = plan.rows.subarray(0, plan.size);
  const points = entityPoints(kernels, model, t, touched, false);
  const queries = encodeQueries(kernels, model, t, heads, relations);
  const scores = engine.float32(B * K);
  const pairs = pairTerms(engine, similarity, B * K);
  kernels.plannedCandidates(similarity, queries, points, plan, K, pairs, scores);

  const gradScores = copy(kernels, batch.gradScores);
  const dq = engine.float32(B * rowStride(dim));
  const dc = engine.float64(B);
  const dHeadBias = engine.float32(B);
  const dPoints = engine.float32(plan.size * rowStride(dim));
  const radial = engine.float32(plan.size);
  const tailBias = engine.float32(plan.size);
  kernels.plannedBackward(similarity, queries, points, plan, K, pairs, gradScores, {
    dq,
    dc,
    dHeadBias,
    dPoints,
    radial,
    tailBias,
  });
  const byRow = encoderGradients(kernels, model, t, batch, queries, dq);
  const gradient = engine.float32(plan.size * dim);
  const headBias = engine.float32(plan.size);
  const grads = { dPoints, radial };
  const c = model.c[0]!;
  const dSqrtC = kernels.pointsBackward(similarity, t.entity, plan.rows, c, plan.size, dim, grads, gradient);
  kernels.addRows(B, dim, plan.local, byRow.head, gradient);
  kernels.addRows(B, 1, plan.local, dHeadBias, headBias);

  const gradients = zeroGradients(model);
  touched.forEach((e, i) => {
    addRow(gradients.entity, dim, e, gradient, i);
    gradients.tailBias[e]! += tailBias[i]!;
    gradients.headBias[e]! += headBias[i]!;
  });
  addEncoderGradients(gradients, model, batch, byRow, dc);
  // From sqrt(c) to c.
  if (similarity === "hyperbolic") gradients.c[0]! += dSqrtC / (2 * Math.sqrt(model.c[0]!));
  return { scores, gradients };
}

/** sum over pairs of dL/ds s, over the queries b and entities e that `touches` names. */
function functional(model: Model, batch: Batch, touches: (b: number, e: number) => boolean): number {
  let sum = 0;
  batch.heads.forEach((h, b) => {
    const r = batch.relations[b]!;
    let q: Vector | undefined;
    for (let k = 0; k < batch.K; k++) {
      const e = batch.candidates[b * batch.K + k]!;
      if (!touches(b, e)) continue;
      q ??= query(model, h, r);
      sum += batch.gradScores[b * batch.K + k]! * scoreOf(model, q, h, r, e);
    }
  });
  return sum;
}

/** What finite differences say of some entries. */
export interface Expected {
  readonly table: keyof Gradients;
  readonly entry: number;
  readonly value: number;
}

/** Finite differences of the functional at (about) `samples` entries of each table, among those that the batch touches. */
export function expectedGradients(model: Model, batch: Batch, samples: number): readonly Expected[] {
  const out: Expected[] = [];
  const { dim } = model;
  type Touches = (row: number) => (b: number, e: number) => boolean;
  const check = (
    table: keyof Gradients,
    x: Vector,
    rows: readonly number[],
    width: number,
    touches: Touches,
    h: number,
  ) => {
    const count = rows.length * width;
    const stride = Math.max(1, Math.floor(count / samples));
    for (let i = 0; i < count; i += stride) {
      const at = rows[Math.floor(i / width)]!;
      const entry = at * width + (i % width);
      out.push({ table, entry, value: difference(() => functional(model, batch, touches(at)), x, entry, h) });
    }
  };
  const ascending = (values: readonly number[]) => [...new Set(values)].sort((a, b) => a - b);
  const entities = ascending([...batch.heads, ...batch.candidates]);
  const relations = ascending(batch.relations);
  const byEntity: Touches = (row) => (b, e) => e === row || batch.heads[b] === row;
  const byRelation: Touches = (row) => (b) => batch.relations[b] === row;
  // A small part of the natural length h: the stencil's error grows with h^4, that of rounding with 1e-15 / h.
  const part = 1e-3;
  const h = isHyperbolic(model.encoder) ? part / Math.sqrt(model.c[0]!) : part;
  check("entity", model.entity, entities, dim, byEntity, h);
  check("headBias", model.headBias, entities, 1, byEntity, part);
  check("tailBias", model.tailBias, entities, 1, byEntity, part);
  for (const name of tablesOf(model.encoder)) {
    check(
      name,
      model.tables[name],
      relations,
      widthOf(model.encoder, dim),
      byRelation,
      name === "relation" || name === "innerTranslation" ? h : part,
    );
  }
  if (isHyperbolic(model.encoder)) {
    const shared = model.c.length === 1;
    check("c", model.c, shared ? [0] : relations, 1, shared ? () => () => true : byRelation, part * model.c[0]!);
  }
  return out;
}

/**
 * The largest error of each table, relative to the largest gradient in the tables of the same units: what an entry is rounded by are
 * the pieces it is summed from, which may cancel (TransH's query moves with an entity that is head and candidate at once).
 */
export function gradientErrors(
  model: Model,
  expected: readonly Expected[],
  gradients: Gradients,
): Record<string, number> {
  const largest = (...tables: readonly Vector[]) =>
    tables.reduce((top, x) => x.reduce((a, b) => Math.max(a, Math.abs(b)), top), 0);
  const vectors = largest(gradients.entity, gradients.relation, gradients.innerTranslation);
  const scales: Partial<Record<keyof Gradients, number>> = {
    entity: vectors,
    relation: vectors,
    innerTranslation: vectors,
    // Changing sqrt(c) moves a point as changing its length does.
    c: Math.max(largest(gradients.c), vectors / model.curvature ** 1.5),
  };
  const errors: Record<string, number> = {};
  for (const { table, entry, value } of expected) {
    const error =
      Math.abs(gradients[table][entry]! - value) / Math.max(scales[table] ?? largest(gradients[table]), 1e-30);
    errors[table] = Number.isFinite(error) ? Math.max(errors[table] ?? 0, error) : Infinity;
  }
  return errors;
}
