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
   * The library's entity file, which gives the order of its rows: a name on each line, or names and row numbers separated by a tab, in
   * either order; gzipped if it ends in .gz.
   */
  readonly entityOrder: string;
  /** the same for the relations, without inverses */
  readonly relationOrder: string;
  /** the norm of TransE's distance; the library's default unless given */
  readonly norm?: 1 | 2;
  readonly kernels?: Kernels;
}

/**
 * Reads a model that another library trained. Scores equal the library's, with two exceptions: L2 distances are squared, which keeps every
 * rank, and a constant margin is left out. If the library has no reciprocal relations, rows R..2R-1 are made such that
 * score(t, r + R, h) = score(h, r, t).
 *
 * @throws MuldeError MODELS_IMPORT with the file and what does not fit: a model or norm that cannot be mapped, a tensor that is missing
 *   or has another shape, a name that only one of the vocabularies has; MODELS_NOT_FOUND for a file that cannot be read
 */
export async function importModel(options: ImportOptions): Promise<KgeModel> {
  const { from, file, model: name, entities, relations, kernels } = options;
  const layouts = importLayouts[from] as (typeof importLayouts)[ImportSource] | undefined;
  const layout = layouts?.[name];
  if (!layouts) {
    const known = Object.keys(importLayouts).join(", ");
    throw new MuldeError("MODELS_IMPORT", `must be one of ${known}, but is "${from}".`, {
      path: ["from"],
      value: from,
    });
  }
  if (!layout) {
    throw new MuldeError(
      "MODELS_IMPORT",
      `${name} of ${from} cannot be imported; known are ${Object.keys(layouts).join(", ")}.`,
      { path: ["model"], value: name },
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
        `The values of table "${table}" are ${source.rows} x ${source.width}, but ${target.rows} x ${target.width} are needed.`,
        { file },
      );
    }
    rows.forEach((row, i) => {
      target.data.set(source.data.subarray(row * source.width, (row + 1) * source.width), i * source.width);
    });
    const odd = target.data.findIndex((x) => !Number.isFinite(x));
    if (odd >= 0) throw new MuldeError("MODELS_NOT_FINITE", `Table "${table}" holds ${target.data[odd]}.`, { file });
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
      const name = names.find((candidate) => Object.hasOwn(tensors, candidate));
      if (name === undefined) {
        const there = Object.keys(tensors).join(", ");
        throw new MuldeError("MODELS_IMPORT", `There is no tensor "${names.join('" or "')}"; there are ${there}.`, {
          file,
        });
      }
      const { shape, data } = tensors[name]!;
      const [rows = 1] = shape;
      return { rows, width: data.length / rows, data: Float32Array.from(data) };
    },
  };
}

const remedy = "give the vocabulary file of the model's training, and the data set that it was trained on.";

/** For each of our names its row in the library's tables. */
async function rowsOf(file: string, names: readonly string[], what: string): Promise<Int32Array> {
  const theirs = await readOrder(file);
  const rows = new Map(theirs.map((name, row) => [name, row]));
  const missing = names.find((name) => !rows.has(name));
  if (missing !== undefined) {
    throw new MuldeError("MODELS_IMPORT", `There is no ${what} ${JSON.stringify(missing)}; ${remedy}`, {
      file,
      value: missing,
    });
  }
  if (theirs.length !== names.length) {
    const ours = new Set(names);
    const odd = theirs.find((name) => !ours.has(name)) ?? "";
    throw new MuldeError(
      "MODELS_IMPORT",
      `The ${what} ${JSON.stringify(odd)} is not among those of the data set; ${remedy}`,
      { file, value: odd },
    );
  }
  return Int32Array.from(names, (name) => rows.get(name)!);
}

/** Names in the order of their rows. */
async function readOrder(file: string): Promise<string[]> {
  const bytes = await read(file);
  const text = (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
  const lines = text.split(/\r?\n/).filter((line) => line !== "");
  const pairs = lines.map((line) => line.split("\t"));
  if (pairs.every(({ length }) => length === 1)) return lines;
  // The first line may hold a count or a heading.
  for (const rest of [pairs, pairs.slice(1)]) {
    for (const at of [0, 1]) {
      const order = inOrder(rest, at);
      if (order) return order;
    }
  }
  throw new MuldeError(
    "MODELS_IMPORT",
    `Every line must hold a name, or a name and one of the row numbers 0 to ${lines.length - 1}, separated by a tab.`,
    { file },
  );
}

/** The names by the row numbers in a column, or undefined if these are no permutation. */
function inOrder(pairs: readonly (readonly string[])[], at: number): string[] | undefined {
  const order = new Array<string | undefined>(pairs.length).fill(undefined);
  for (const pair of pairs) {
    const row = /^\d+$/.test(pair[at] ?? "") ? Number(pair[at]) : -1;
    if (pair.length !== 2 || row < 0 || row >= order.length || order[row] !== undefined) return undefined;
    order[row] = pair[1 - at]!;
  }
  return order as string[];
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new MuldeError("MODELS_NOT_FOUND", "This file cannot be read; check the path.", { file, cause });
  }
}
