/** How other libraries lay out the tensors of a state dict: KGEmb (Chami et al. 2020), LibKGE, PyKEEN and DGL-KE. */
import { MuldeError } from "@mulde/errors";

/** The libraries whose models can be imported. */
export type ImportSource = "kgemb" | "libkge" | "pykeen" | "dglke";

/** Rows of one width, in the other library's order. */
export interface ForeignTable {
  /** the tensor's */
  readonly name: string;
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
  /** Reads the tensor of the first of these names that exists, as rows; an error with the names that exist if none does. */
  table(...names: string[]): Promise<ForeignTable>;
}

type Layout = (tensors: ForeignTensors) => Promise<ForeignModel>;

/** Columns from..to-1 of a table, as a table. */
function columns({ name, rows, width, data }: ForeignTable, from: number, to: number): ForeignTable {
  const out = new Float32Array(rows * (to - from));
  for (let r = 0; r < rows; r++) out.set(data.subarray(r * width + from, r * width + to), r * (to - from));
  return { name, rows, width: to - from, data: out };
}

/** Half the width of a table whose rows have two parts. */
function half({ name, width }: ForeignTable): number {
  if (width % 2 === 0) return width / 2;
  throw new MuldeError(
    "MODELS_IMPORT",
    `The tensor "${name}" has rows of ${width} values, but they should have two parts of one length; check the model.`,
    { value: width },
  );
}

const firstHalf = (table: ForeignTable): ForeignTable => columns(table, 0, half(table));
const secondHalf = (table: ForeignTable): ForeignTable => columns(table, half(table), table.width);
const negated = (table: ForeignTable): ForeignTable => ({ ...table, data: table.data.map((x) => -x) });

/** (re ..., im ...) to (re, im, re, im, ...). */
function interleaved(table: ForeignTable): ForeignTable {
  const { rows, width, data } = table;
  const imaginary = half(table);
  const out = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) {
    for (let k = 0; k < imaginary; k++) {
      out[r * width + 2 * k] = data[r * width + k]!;
      out[r * width + 2 * k + 1] = data[r * width + imaginary + k]!;
    }
  }
  return { ...table, data: out };
}

/** The complex conjugates of interleaved numbers. */
const conjugated = (table: ForeignTable): ForeignTable => ({
  ...table,
  data: table.data.map((x, i) => (i % 2 === 1 ? -x : x)),
});

/** The table and rows R..2R-1, which answer head queries as the library answers them. */
function withInverse(
  table: ForeignTable,
  { numRelations }: ForeignTensors,
  inverse: (table: ForeignTable) => ForeignTable,
): ForeignTable {
  if (table.rows === 2 * numRelations) return table;
  const { rows, data } = table;
  const both = new Float32Array(2 * data.length);
  both.set(data);
  both.set(inverse(table).data, data.length);
  return { ...table, rows: 2 * rows, data: both };
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
  return { ...table, data: out };
}

function euclidean(source: string, tensors: ForeignTensors, byDefault: 1 | 2): void {
  if ((tensors.norm ?? byDefault) === 2) return;
  throw new MuldeError(
    "MODELS_IMPORT",
    `TransE of ${source} scores by the L1 norm${tensors.norm ? "" : " by default"}; only L2 distances can be imported (norm 2).`,
    { path: ["norm"], value: tensors.norm },
  );
}

type Relations = (t: ForeignTensors) => Promise<Record<string, ForeignTable>>;

/** KGEmb has reciprocal relations and biases; its hyperbolic models have a curvature for each relation. */
function kgemb(relations: Relations, hyperbolic = false): Layout {
  return async (t) => ({
    entity: await t.table("entity.weight"),
    relations: await relations(t),
    headBias: await t.table("bh.weight"),
    tailBias: await t.table("bt.weight"),
    ...(hyperbolic && { curvature: await t.table("c.weight", "c") }),
  });
}

const rel = (t: ForeignTensors): Promise<ForeignTable> => t.table("rel.weight");
const diagonal = (t: ForeignTensors): Promise<ForeignTable> => t.table("rel_diag.weight");
const context = (t: ForeignTensors): Promise<ForeignTable> => t.table("context_vec.weight");

/** TransE, DistMult and ComplEx, made of an entity and a relation table. */
function plain(
  source: string,
  tables: (t: ForeignTensors) => Promise<{ entity: ForeignTable; relation: ForeignTable }>,
  complex: (table: ForeignTable) => ForeignTable,
  norm: 1 | 2,
): Record<string, Layout> {
  return {
    TransE: async (t) => {
      euclidean(source, t, norm);
      const { entity, relation } = await tables(t);
      return { entity, relations: { relation: withInverse(relation, t, negated) } };
    },
    DistMult: async (t) => {
      const { entity, relation } = await tables(t);
      return { entity, relations: { relation: withInverse(relation, t, (table) => table) } };
    },
    ComplEx: async (t) => {
      const { entity, relation } = await tables(t);
      return { entity: complex(entity), relations: { relation: withInverse(complex(relation), t, conjugated) } };
    },
  };
}

/** By library, then by our name of the model. */
export const importLayouts: Readonly<Record<ImportSource, Readonly<Record<string, Layout>>>> = {
  kgemb: {
    TransE: kgemb(async (t) => ({ relation: await rel(t) })),
    // KGEmb calls it CP: its entities have one vector each.
    DistMult: kgemb(async (t) => ({ relation: await rel(t) })),
    MuRE: kgemb(async (t) => ({ diagonal: await diagonal(t), relation: negated(await rel(t)) })),
    RotE: kgemb(async (t) => ({ rotation: await diagonal(t), relation: await rel(t) })),
    RefE: kgemb(async (t) => ({ reflection: await diagonal(t), relation: await rel(t) })),
    AttE: kgemb(async (t) => ({
      rotation: await t.table("rot.weight"),
      reflection: await t.table("ref.weight"),
      context: await context(t),
      relation: await rel(t),
    })),
    RotH: kgemb(async (t) => {
      const both = await rel(t);
      return { rotation: await diagonal(t), innerTranslation: firstHalf(both), relation: secondHalf(both) };
    }, true),
    RefH: kgemb(async (t) => ({ reflection: await diagonal(t), relation: firstHalf(await rel(t)) }), true),
    AttH: kgemb(async (t) => {
      const both = await diagonal(t);
      return {
        rotation: firstHalf(both),
        reflection: secondHalf(both),
        context: await context(t),
        relation: firstHalf(await rel(t)),
      };
    }, true),
  },
  libkge: plain(
    "LibKGE",
    async (t) => ({
      entity: await t.table("_entity_embedder._embeddings.weight", "_base_model._entity_embedder._embeddings.weight"),
      relation: await t.table(
        "_relation_embedder._embeddings.weight",
        "_base_model._relation_embedder._embeddings.weight",
      ),
    }),
    interleaved,
    1,
  ),
  pykeen: plain(
    "PyKEEN",
    async (t) => ({
      entity: await t.table("entity_representations.0._embeddings.weight"),
      relation: evenThenOdd(await t.table("relation_representations.0._embeddings.weight"), t),
    }),
    (table) => table,
    1,
  ),
  dglke: plain(
    "DGL-KE",
    async (t) => ({ entity: await t.table("entity"), relation: await t.table("relation") }),
    interleaved,
    2,
  ),
};
