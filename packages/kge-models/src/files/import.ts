import { MuldeError } from "@mulde/errors";
import type { Kernels } from "@mulde/kernels";
import { emptyModel } from "../create.js";
import type { KgeModel } from "../model.js";
import { rowsOf } from "./_import-order.js";
import { openRegular } from "./_disk-file.js";
import { quoted, shapeText } from "./_quoted.js";
import { product } from "./_safetensors-header.js";
import { type ForeignTable, type ForeignTensors, importLayouts, type ImportSource } from "./import-layouts.js";
import { readSafetensors, type SafetensorsFile } from "./_safetensors-reader.js";

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

// Enough to see whose they are.
const listedNames = 20;

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
  const foreign = await readForeign(layout, options);
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
  const model = await emptyModel(config, kernels).catch((error: unknown) => {
    throw error instanceof MuldeError ? error.at({ file }) : error;
  });
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

async function readForeign(
  layout: (tensors: ForeignTensors) => ReturnType<(typeof importLayouts)[ImportSource][string]>,
  { file, relations, norm }: ImportOptions,
): ReturnType<(typeof importLayouts)[ImportSource][string]> {
  const opened = await openRegular(file, { absent: "MODELS_NOT_FOUND", unreadable: "MODELS_READ" });
  try {
    return await layout(tensorsOf(file, await readSafetensors(opened), relations.length, norm));
  } catch (error) {
    throw error instanceof MuldeError && error.file === undefined && error.path.length === 0
      ? error.at({ file })
      : error;
  } finally {
    await opened.close();
  }
}

function tensorsOf(
  file: string,
  source: SafetensorsFile,
  numRelations: number,
  norm: 1 | 2 | undefined,
): ForeignTensors {
  return {
    numRelations,
    norm,
    async table(...names) {
      const name = names.find((candidate) => source.tensors.has(candidate));
      if (name === undefined) {
        const there = [...source.tensors.keys()].slice(0, listedNames).join(", ");
        const more = source.tensors.size > listedNames ? ", ..." : "";
        throw new MuldeError(
          "MODELS_IMPORT",
          `There is no tensor "${names.join('" or "')}"; there are ${there}${more}.`,
          { file },
        );
      }
      const { shape } = source.tensors.get(name)!;
      const size = product(shape);
      if (size === 0) {
        throw new MuldeError(
          "MODELS_IMPORT",
          `The tensor ${quoted(name)} has the shape ${shapeText(shape)}, so it holds no values; give a trained model.`,
          { file },
        );
      }
      const [rows = 1] = shape;
      return { name, rows, width: size / rows, data: await source.read(name, new Float32Array(size)) };
    },
  };
}
