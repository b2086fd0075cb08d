import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import type { Kernels } from "@mulde/kernels";
import { MuldeError } from "@mulde/errors";
import { type ForeignTable, type ForeignTensors, importLayouts, type ImportSource } from "./import-layouts.js";
import { emptyModel } from "../create.js";
import type { KgeModel } from "../model.js";
import { decodeSafetensors, type SafetensorsTensor } from "./safetensors.js";

/** What `importModel` needs to know. */
export interface ImportOptions {
  /** the library that trained the model */
  readonly from: ImportSource;
  /** its parameters, converted to safetensors */
  readonly file: string;
  /** our name of the scoring function, such as RotH */
  readonly model: string;
  /** names of the N entities in the order of our ids */
  readonly entities: readonly string[];
  /** names of the R relations in the order of our ids */
  readonly relations: readonly string[];
  /**
   * The library's entity file, which tells its row order: a name on each line, or names and row numbers with a tab between them, in either
   * order; gzipped where it ends in .gz.
   */
  readonly entityOrder: string;
  /** likewise of the relations, without inverses */
  readonly relationOrder: string;
  /** of TransE's distance; the library's own default unless given */
  readonly norm?: 1 | 2;
  readonly kernels?: Kernels;
}

/**
 * A model that another library trained. Scores are its scores, with two exceptions: an L2 distance is squared here, which keeps every
 * rank, and a constant margin is left out. Where it has no reciprocal relations, rows R..2R-1 are made so that score(t, r + R, h) =
 * score(h, r, t).
 *
 * @throws MuldeError MODELS_IMPORT naming the file and what does not fit: a model or norm that cannot be mapped, a tensor that is missing
 *   or has another shape, a name that only one of the vocabularies has
 */
export async function importModel(options: ImportOptions): Promise<KgeModel> {
  const { from, file, model: name, entities, relations, kernels } = options;
  const layouts = importLayouts[from] as (typeof importLayouts)[ImportSource] | undefined;
  const layout = layouts?.[name];
  if (!layouts || !layout) {
    throw new MuldeError(
      "MODELS_IMPORT",
      layouts
        ? `${name} of ${from} cannot be imported; known are ${Object.keys(layouts).join(", ")}.`
        : `from must be one of ${Object.keys(importLayouts).join(", ")}, but is "${String(from)}".`,
    );
  }
  const { tensors } = decodeSafetensors(await read(file), file);
  const foreign = layout(tensorsOf(file, tensors, relations.length, options.norm));
  const entityRows = await rowsOf(options.entityOrder, entities, "entity");
  const relationRows = await rowsOf(options.relationOrder, relations, "relation");
  const R = relations.length;
  const bothWays = Int32Array.from([...relationRows, ...[...relationRows].map((row) => row + R)]);
  const { curvature } = foreign;
  const config = {
    model: name,
    dim: foreign.entity.width,
    entities: entities.length,
    relations: R,
    curvature: curvature && curvature.rows > 1 ? ("relation" as const) : ("shared" as const),
  };
  const model = await emptyModel(config, kernels);
  const fill = (table: string, source: ForeignTable | undefined, rows: Int32Array): void => {
    if (!source) return;
    const target = model.table(table);
    if (source.rows !== rows.length || source.width !== target.width) {
      throw new MuldeError(
        "MODELS_IMPORT",
        `${file}: the values of table "${table}" are ${source.rows} x ${source.width}, but ${target.rows} x ${target.width} are needed.`,
      );
    }
    rows.forEach((row, i) => {
      target.data.set(source.data.subarray(row * source.width, (row + 1) * source.width), i * source.width);
    });
    const odd = target.data.findIndex((x) => !Number.isFinite(x));
    if (odd >= 0) throw new MuldeError("MODELS_NOT_FINITE", `${file}: table "${table}" holds ${target.data[odd]}.`);
  };
  try {
    fill("entity", foreign.entity, entityRows);
    fill("headBias", foreign.headBias, entityRows);
    fill("tailBias", foreign.tailBias, entityRows);
    for (const [table, source] of Object.entries(foreign.relations)) fill(table, source, bothWays);
    if (curvature) fill("curvature", curvature, curvature.rows > 1 ? bothWays : Int32Array.of(0));
  } catch (error) {
    model.dispose();
    throw error;
  }
  model.touch();
  return model;
}

function tensorsOf(
  file: string,
  tensors: Readonly<Record<string, SafetensorsTensor>>,
  numRelations: number,
  norm: 1 | 2 | undefined,
): ForeignTensors {
  return {
    numRelations,
    norm,
    table(...names) {
      const name = names.find((candidate) => candidate in tensors);
      if (name === undefined) {
        const there = Object.keys(tensors).join(", ");
        throw new MuldeError("MODELS_IMPORT", `${file} has no tensor "${names.join('" or "')}"; it has ${there}.`);
      }
      const { shape, data } = tensors[name]!;
      const [rows = 1] = shape;
      return { rows, width: data.length / rows, data: Float32Array.from(data) };
    },
  };
}

// Both vocabularies must be of one and the same data set.
const remedy = "give the vocabulary file of the model's training, and the data set that it was trained on.";

/** For each of our names its row in the other library's tables. */
async function rowsOf(path: string, names: readonly string[], what: string): Promise<Int32Array> {
  const theirs = await readOrder(path);
  const rows = new Map(theirs.map((name, row) => [name, row]));
  const missing = names.find((name) => !rows.has(name));
  if (missing !== undefined) {
    throw new MuldeError("MODELS_IMPORT", `${path} does not have the ${what} ${JSON.stringify(missing)}; ${remedy}`);
  }
  if (theirs.length !== names.length) {
    const ours = new Set(names);
    const odd = theirs.find((name) => !ours.has(name)) ?? "";
    throw new MuldeError(
      "MODELS_IMPORT",
      `${path} has the ${what} ${JSON.stringify(odd)}, which is not among those given; ${remedy}`,
    );
  }
  return Int32Array.from(names, (name) => rows.get(name)!);
}

/** Names in the order of their rows. */
async function readOrder(path: string): Promise<string[]> {
  const bytes = await read(path);
  const text = (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
  const lines = text.split(/\r?\n/).filter((line) => line !== "");
  const pairs = lines.map((line) => line.split("\t"));
  if (pairs.every(({ length }) => length === 1)) return lines;
  // A count or a heading may stand in the first line.
  for (const rest of [pairs, pairs.slice(1)]) {
    for (const at of [0, 1]) {
      const order = inOrder(rest, at);
      if (order) return order;
    }
  }
  throw new MuldeError(
    "MODELS_IMPORT",
    `${path} must have a name on each line, or names and the row numbers 0 to ${lines.length - 1} with a tab between them.`,
  );
}

/** The names by the row numbers in a column, or undefined where these are no permutation. */
function inOrder(pairs: readonly (readonly string[])[], at: number): string[] | undefined {
  const order = new Array<string | undefined>(pairs.length).fill(undefined);
  for (const pair of pairs) {
    const row = /^\d+$/.test(pair[at] ?? "") ? Number(pair[at]) : -1;
    if (pair.length !== 2 || row < 0 || row >= order.length || order[row] !== undefined) return undefined;
    order[row] = pair[1 - at]!;
  }
  return order as string[];
}

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new MuldeError("MODELS_NOT_FOUND", `${path} cannot be read; check the path.`, { cause });
  }
}
