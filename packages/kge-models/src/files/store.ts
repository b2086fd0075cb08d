import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { MuldeError } from "@mulde/errors";
import type { Kernels } from "@mulde/kernels";
import { z } from "zod";
import type { ModelConfig } from "../config.js";
import { emptyModel } from "../create.js";
import type { KgeModel } from "../model.js";
import { checkNames, decodeVocabulary, encodeVocabulary } from "./_vocabulary.js";
import { decodeSafetensors, encodeSafetensors, type SafetensorsTensor } from "./safetensors.js";
import { temporaryName, writeFlushed } from "./whole-file.js";

/** What a model directory holds beside the parameters. */
export interface ModelInfo {
  /** Entity names in the order of their ids. */
  readonly entities: readonly string[];
  /** The R relation names in the order of their ids. */
  readonly relations: readonly string[];
  /** The data set's name and fingerprint, so that nobody uses the model with the ids of another one. */
  readonly dataset?: { readonly name: string; readonly fingerprint: string };
  /** How the model was trained: options, metrics, seconds. Stored as given. */
  readonly training?: Readonly<Record<string, unknown>>;
}

/** A model with its names. */
export interface SavedModel extends ModelInfo {
  readonly model: KgeModel;
}

/** Raised whenever an earlier version of this package could no longer read what this one writes. */
const formatVersion = 1;

const configSchema = z.object({
  format: z.literal(formatVersion),
  model: z.string(),
  dim: z.number().int().positive(),
  entities: z.number().int().positive(),
  relations: z.number().int().positive(),
  curvature: z.enum(["shared", "relation"]),
  dataset: z.object({ name: z.string(), fingerprint: z.string() }).optional(),
  training: z.record(z.string(), z.unknown()).optional(),
});

const files = {
  parameters: "model.safetensors",
  config: "config.json",
  entities: "entities.tsv",
  relations: "relations.tsv",
} as const;

/**
 * Writes a model directory: `model.safetensors` (readable from Python), `config.json`, `entities.tsv` and `relations.tsv` (id, tab,
 * name). Each file appears whole or not at all, and `config.json`, without which there is no model, appears last. A model that the
 * directory already holds stays until all new files are on the disk.
 *
 * @throws MuldeError MODELS_NAMES if there are more or fewer names than the model has, or a name holds a tab or a line break;
 *   MODELS_NOT_FINITE if a parameter is NaN or infinite; MODELS_DISPOSED
 */
export async function saveModel(model: KgeModel, directory: string, info: ModelInfo): Promise<void> {
  for (const kind of ["entities", "relations"] as const) checkNames(info[kind], kind, model[kind]);
  const tensors = Object.fromEntries(
    [...model.tables.values()].map(({ name, rows, width, data }) => [name, { shape: [rows, width], data }]),
  );
  for (const [name, { data }] of Object.entries(tensors)) {
    const at = notFinite(data);
    if (at < 0) continue;
    throw new MuldeError(
      "MODELS_NOT_FINITE",
      `The table "${name}" holds ${data[at]} at position ${at}, so nothing was saved: the model diverged, train it again.`,
    );
  }
  const config = { format: formatVersion, ...model.config, dataset: info.dataset, training: info.training };
  await mkdir(directory, { recursive: true });
  await writeTogether(directory, [
    [files.parameters, encodeSafetensors(tensors)],
    [files.entities, encodeVocabulary(info.entities)],
    [files.relations, encodeVocabulary(info.relations)],
    [files.config, `${JSON.stringify(config, null, 2)}\n`],
  ]);
}

/**
 * Reads a model directory. If the model is your own, call `defineModel` first.
 *
 * @throws MuldeError MODELS_NOT_FOUND if there is no such file, else MODELS_FILE, MODELS_CONFIG, MODELS_UNKNOWN_MODEL or a SAFETENSORS_
 *   code, with the file and what is wrong with it
 */
export async function loadModel(directory: string, options: { readonly kernels?: Kernels } = {}): Promise<SavedModel> {
  const path = join(directory, files.config);
  const { config, dataset, training } = parseConfig((await read(path)).toString("utf8"), path);
  const names = async (kind: "entities" | "relations"): Promise<string[]> => {
    const file = join(directory, files[kind]);
    return decodeVocabulary((await read(file)).toString("utf8"), file, config[kind]);
  };
  const entities = await names("entities");
  const relations = await names("relations");
  const source = join(directory, files.parameters);
  const { tensors } = decodeSafetensors(await read(source), source);
  const model = await emptyModel(config, options.kernels).catch((error: unknown) => {
    throw error instanceof MuldeError ? error.at({ file: path }) : error;
  });
  try {
    fill(model, tensors, source);
  } catch (error) {
    model.dispose();
    throw error;
  }
  return { model, entities, relations, ...(dataset && { dataset }), ...(training && { training }) };
}

function parseConfig(text: string, file: string): { config: ModelConfig } & Pick<ModelInfo, "dataset" | "training"> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new MuldeError("MODELS_FILE", `The file is not JSON: ${(cause as Error).message}.`, { file, cause });
  }
  const format = typeof parsed === "object" && parsed !== null && "format" in parsed ? parsed.format : undefined;
  if (typeof format === "number" && format > formatVersion) {
    throw new MuldeError(
      "MODELS_FILE",
      `A newer version of Mulde saved this model: format ${format}, and this version reads up to ${formatVersion}. Update @mulde/kge-models.`,
      { file, path: ["format"], value: format },
    );
  }
  const result = configSchema.safeParse(parsed);
  if (!result.success) {
    const { path, message } = result.error.issues[0]!;
    throw new MuldeError("MODELS_FILE", `${message}.`, { file, path: path.map(String) });
  }
  const { model, dim, entities, relations, curvature, dataset, training } = result.data;
  return {
    config: { model, dim, entities, relations, curvature },
    ...(dataset && { dataset }),
    ...(training && { training }),
  };
}

/** Copies the tensors of a file into a model's tables. */
function fill(model: KgeModel, tensors: Readonly<Record<string, SafetensorsTensor>>, file: string): void {
  for (const { name, rows, width, data } of model.tables.values()) {
    if (!Object.hasOwn(tensors, name)) {
      throw new MuldeError("MODELS_FILE", `There is no tensor "${name}", which ${model.config.model} needs.`, { file });
    }
    const tensor = tensors[name]!;
    if (tensor.data.length !== rows * width || tensor.shape[0] !== rows) {
      throw new MuldeError(
        "MODELS_FILE",
        `The tensor "${name}" has the shape [${tensor.shape.join(", ")}], but config.json makes it [${rows}, ${width}].`,
        { file },
      );
    }
    const at = notFinite(tensor.data);
    if (at >= 0) {
      throw new MuldeError("MODELS_FILE", `The tensor "${name}" holds ${tensor.data[at]} at position ${at}.`, { file });
    }
    data.set(tensor.data);
  }
}

/** The position of the first NaN or infinity, or -1. */
function notFinite(values: ArrayLike<number>): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return -1;
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new MuldeError("MODELS_NOT_FOUND", "This file cannot be read; give the directory of a saved model.", {
      file,
      cause,
    });
  }
}

/**
 * Writes files under temporary names, flushes them to the disk, and only then gives them their names, in order. The last file makes the
 * others count: an old one is removed before the others are replaced, so that it never stands beside files of another model.
 */
async function writeTogether(
  directory: string,
  contents: readonly (readonly [name: string, content: string | Uint8Array])[],
): Promise<void> {
  const written: { readonly temporary: string; readonly path: string }[] = [];
  try {
    for (const [name, content] of contents) {
      const path = join(directory, name);
      const temporary = temporaryName(path);
      written.push({ temporary, path });
      await writeFlushed(temporary, content);
    }
    await rm(written.at(-1)!.path, { force: true });
    for (const { temporary, path } of written) await rename(temporary, path);
  } catch (error) {
    // The first error is the one to report, whatever happens here.
    await Promise.allSettled(written.map(({ temporary }) => rm(temporary, { force: true })));
    throw error;
  }
}
