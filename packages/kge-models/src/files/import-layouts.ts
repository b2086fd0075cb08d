/** How other libraries lay out the tensors of a state dict: KGEmb (Chami et al. 2020), LibKGE, PyKEEN and DGL-KE. */
import { MuldeError } from "@mulde/errors";

/** The libraries whose models can be imported. */
export type ImportSource = "kgemb" | "libkge" | "pykeen" | "dglke";

/** Rows of one width, in the other library's order. */
export interface ForeignTable {
  readonly rows: number;
  readonly width: number;
  readonly data: Float32Array;
}

/** A model in our tables, with the rows in the library's order. */
interface ForeignModel {
  readonly entity: ForeignTable;
  /** by the names of our tables: 2R rows each, the reciprocals in the second half */
  readonly relations: Readonly<Record<string, ForeignTable>>;
  readonly headBias?: ForeignTable;
  readonly tailBias?: ForeignTable;
  /** k with c = softplus(k): 1 row, or 2R */
  readonly curvature?: ForeignTable;
}

/** The tensors that a layout reads. */
export interface ForeignTensors {
  /** R */
  readonly numRelations: number;
  readonly norm: 1 | 2 | undefined;
  /** The tensor of the first of these names that exists, as rows; an error with the names that exist if none does. */
  table(...names: string[]): ForeignTable;
}

type Layout = (tensors: ForeignTensors) => ForeignModel;

/** Columns from..to-1 of a table, as a table. */
function columns({ rows, width, data }: ForeignTable, from: number, to: number): ForeignTable {
  const out = new Float32Array(rows * (to - from));
  for (let r = 0; r < rows; r++) out.set(data.subarray(r * width + from, r * width + to), r * (to - from));
  return { rows, width: to - from, data: out };
}

const firstHalf = (table: ForeignTable): ForeignTable => columns(table, 0, table.width / 2);
const secondHalf = (table: ForeignTable): ForeignTable => columns(table, table.width / 2, table.width);
const negated = ({ rows, width, data }: ForeignTable): ForeignTable => ({ rows, width, data: data.map((x) => -x) });

/** (re ..., im ...) to (re, im, re, im, ...). */
function interleaved({ rows, width, data }: ForeignTable): ForeignTable {
  const half = width / 2;
  const out = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) {
    for (let k = 0; k < half; k++) {
      out[r * width + 2 * k] = data[r * width + k]!;
      out[r * width + 2 * k + 1] = data[r * width + half + k]!;
    }
  }
  return { rows, width, data: out };
}

/** The complex conjugates of interleaved numbers. */
const conjugated = ({ rows, width, data }: ForeignTable): ForeignTable => ({
  rows,
  width,
  data: data.map((x, i) => (i % 2 === 1 ? -x : x)),
});

/** The table and rows R..2R-1, which answer head queries as the library answers them. */
function withInverse(
  table: ForeignTable,
  { numRelations }: ForeignTensors,
  inverse: (table: ForeignTable) => ForeignTable,
): ForeignTable {
  if (table.rows === 2 * numRelations) return table;
  const { rows, width, data } = table;
  const both = new Float32Array(2 * data.length);
  both.set(data);
  both.set(inverse(table).data, data.length);
  return { rows: 2 * rows, width, data: both };
}

/** PyKEEN numbers a relation and its inverse 2r and 2r + 1. */
function evenThenOdd(table: ForeignTable, { numRelations }: ForeignTensors): ForeignTable {
  const { rows, width, data } = table;
  if (rows !== 2 * numRelations) return table;
  const out = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) {
    const to = (r % 2) * numRelations + Math.floor(r / 2);
    out.set(data.subarray(r * width, (r + 1) * width), to * width);
  }
  return { rows, width, data: out };
}

function euclidean(source: string, tensors: ForeignTensors, byDefault: 1 | 2): void {
  if ((tensors.norm ?? byDefault) === 2) return;
  throw new MuldeError(
    "MODELS_IMPORT",
    `TransE of ${source} scores by the L1 norm${tensors.norm ? "" : " by default"}; only L2 distances can be imported (norm 2).`,
    { path: ["norm"], value: tensors.norm },
  );
}

/** KGEmb has reciprocal relations and biases; its hyperbolic models have a curvature for each relation. */
function kgemb(relations: (t: ForeignTensors) => Record<string, ForeignTable>, hyperbolic = false): Layout {
  return (t) => ({
    entity: t.table("entity.weight"),
    relations: relations(t),
    headBias: t.table("bh.weight"),
    tailBias: t.table("bt.weight"),
    ...(hyperbolic && { curvature: t.table("c.weight", "c") }),
  });
}

const rel = (t: ForeignTensors): ForeignTable => t.table("rel.weight");
const diagonal = (t: ForeignTensors): ForeignTable => t.table("rel_diag.weight");
const context = (t: ForeignTensors): ForeignTable => t.table("context_vec.weight");

/** TransE, DistMult and ComplEx, made of an entity and a relation table. */
function plain(
  source: string,
  tables: (t: ForeignTensors) => { entity: ForeignTable; relation: ForeignTable },
  complex: (table: ForeignTable) => ForeignTable,
  norm: 1 | 2,
): Record<string, Layout> {
  return {
    TransE: (t) => {
      euclidean(source, t, norm);
      const { entity, relation } = tables(t);
      return { entity, relations: { relation: withInverse(relation, t, negated) } };
    },
    DistMult: (t) => {
      const { entity, relation } = tables(t);
      return { entity, relations: { relation: withInverse(relation, t, (table) => table) } };
    },
    ComplEx: (t) => {
      const { entity, relation } = tables(t);
      return { entity: complex(entity), relations: { relation: withInverse(complex(relation), t, conjugated) } };
    },
  };
}

/** By library, then by our name of the model. */
export const importLayouts: Readonly<Record<ImportSource, Readonly<Record<string, Layout>>>> = {
  kgemb: {
    TransE: kgemb((t) => ({ relation: rel(t) })),
    // KGEmb calls it CP: its entities have one vector each.
    DistMult: kgemb((t) => ({ relation: rel(t) })),
    MuRE: kgemb((t) => ({ diagonal: diagonal(t), relation: negated(rel(t)) })),
    RotE: kgemb((t) => ({ rotation: diagonal(t), relation: rel(t) })),
    RefE: kgemb((t) => ({ reflection: diagonal(t), relation: rel(t) })),
    AttE: kgemb((t) => ({
      rotation: t.table("rot.weight"),
      reflection: t.table("ref.weight"),
      context: context(t),
      relation: rel(t),
    })),
    RotH: kgemb(
      (t) => ({ rotation: diagonal(t), innerTranslation: firstHalf(rel(t)), relation: secondHalf(rel(t)) }),
      true,
    ),
    RefH: kgemb((t) => ({ reflection: diagonal(t), relation: firstHalf(rel(t)) }), true),
    AttH: kgemb(
      (t) => ({
        rotation: firstHalf(diagonal(t)),
        reflection: secondHalf(diagonal(t)),
        context: context(t),
        relation: firstHalf(rel(t)),
      }),
      true,
    ),
  },
  libkge: plain(
    "LibKGE",
    (t) => ({
      entity: t.table("_entity_embedder._embeddings.weight", "_base_model._entity_embedder._embeddings.weight"),
      relation: t.table("_relation_embedder._embeddings.weight", "_base_model._relation_embedder._embeddings.weight"),
    }),
    interleaved,
    1,
  ),
  pykeen: plain(
    "PyKEEN",
    (t) => ({
      entity: t.table("entity_representations.0._embeddings.weight"),
      relation: evenThenOdd(t.table("relation_representations.0._embeddings.weight"), t),
    }),
    (table) => table,
    1,
  ),
  dglke: plain("DGL-KE", (t) => ({ entity: t.table("entity"), relation: t.table("relation") }), interleaved, 2),
};
