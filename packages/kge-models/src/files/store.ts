import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Kernels } from "@mulde/kernels";
import { z } from "zod";
import { MuldeError } from "@mulde/errors";
import type { ModelConfig } from "../config.js";
import { emptyModel } from "../create.js";
import type { KgeModel } from "../model.js";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.js";
import { temporaryName, writeFlushed } from "./whole-file.js";

/** What is saved beside the parameters. */
export interface ModelInfo {
  /** Entity names in the order of their ids. */
  readonly entities: readonly string[];
  /** The R relation names in the order of their ids. */
  readonly relations: readonly string[];
  /** The data set's name and fingerprint, so that a model is not used with ids of another. */
  readonly dataset?: { readonly name: string; readonly fingerprint: string };
  /** How the model was trained: options, metrics, seconds; kept as it is. */
  readonly training?: Readonly<Record<string, unknown>>;
}

/** A model with its names. */
export interface SavedModel extends ModelInfo {
  readonly model: KgeModel;
}

// Raised when a saved model can no longer be read by an earlier version.
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
 * name). Each file appears whole or not at all, and `config.json`, without which there is no model, last; one that is there already
 * stays as it is until all of the new files are on the disk.
 *
 * @throws MuldeError MODELS_NAMES if the number of names is not the model's or a name holds a tab or a line break,
 *   MODELS_NOT_FINITE if a parameter is NaN or infinite.
 */
export async function saveModel(model: KgeModel, directory: string, info: ModelInfo): Promise<void> {
  for (const kind of ["entities", "relations"] as const) {
    if (info[kind].length !== model[kind]) {
      throw new MuldeError(
        "MODELS_NAMES",
        `The model has ${model[kind]} ${kind}, but ${info[kind].length} names came.`,
      );
    }
    const odd = info[kind].find((name) => /[\t\r\n]/.test(name));
    if (odd !== undefined) {
      throw new MuldeError("MODELS_NAMES", `The name ${JSON.stringify(odd)} holds a tab or a line break; rename it.`);
    }
  }
  const tensors = Object.fromEntries(
    [...model.tables.values()].map(({ name, rows, width, data }) => [name, { shape: [rows, width], data }]),
  );
  for (const [name, { data }] of Object.entries(tensors)) {
    const at = notFinite(data);
    if (at < 0) continue;
    throw new MuldeError(
      "MODELS_NOT_FINITE",
      `The table "${name}" holds ${data[at]} at position ${at}, so nothing was saved: the model diverged, train it anew.`,
    );
  }
  const config = { format: formatVersion, ...model.config, dataset: info.dataset, training: info.training };
  await mkdir(directory, { recursive: true });
  await writeTogether(directory, [
    [files.parameters, encodeSafetensors(tensors)],
    [files.entities, vocabulary(info.entities)],
    [files.relations, vocabulary(info.relations)],
    [files.config, `${JSON.stringify(config, null, 2)}\n`],
  ]);
}

/**
 * Reads a model directory. A model of your own must have been given to `defineModel` before.
 *
 * @throws MuldeError MODELS_NOT_FOUND, or MODELS_FILE naming the file that is malformed and what is wrong with it.
 */
export async function loadModel(directory: string, options: { readonly kernels?: Kernels } = {}): Promise<SavedModel> {
  const path = join(directory, files.config);
  const text = (await read(path)).toString("utf8");
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new MuldeError("MODELS_FILE", `${path} is not JSON: ${(cause as Error).message}.`, { cause });
  }
  const result = configSchema.safeParse(parsed);
  if (!result.success) {
    const issue = result.error.issues[0]!;
    throw new MuldeError("MODELS_FILE", `${path}: ${issue.path.join(".") || "the file"}: ${issue.message}.`);
  }
  const { dataset, training, ...rest } = result.data;
  const config: ModelConfig = {
    model: rest.model,
    dim: rest.dim,
    entities: rest.entities,
    relations: rest.relations,
    curvature: rest.curvature,
  };
  const entities = await readVocabulary(join(directory, files.entities), config.entities);
  const relations = await readVocabulary(join(directory, files.relations), config.relations);
  const source = join(directory, files.parameters);
  const { tensors } = decodeSafetensors(await read(source), source);
  const model = await emptyModel(config, options.kernels).catch((cause: unknown) => {
    if (!(cause instanceof MuldeError)) throw cause;
    throw new MuldeError(cause.code, `${path}: ${cause.message}`, { cause });
  });
  for (const { name, rows, width, data } of model.tables.values()) {
    const tensor = tensors[name];
    if (!tensor) throw new MuldeError("MODELS_FILE", `${source} has no tensor "${name}", which ${config.model} needs.`);
    if (tensor.data.length !== rows * width || tensor.shape[0] !== rows) {
      throw new MuldeError(
        "MODELS_FILE",
        `${source}: tensor "${name}" has shape [${tensor.shape.join(", ")}], but ${path} makes it [${rows}, ${width}].`,
      );
    }
    const at = notFinite(tensor.data);
    if (at >= 0) {
      throw new MuldeError("MODELS_FILE", `${source}: tensor "${name}" holds ${tensor.data[at]} at position ${at}.`);
    }
    data.set(tensor.data);
  }
  return { model, entities, relations, ...(dataset && { dataset }), ...(training && { training }) };
}

function notFinite(values: ArrayLike<number>): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return -1;
}

function vocabulary(names: readonly string[]): string {
  return names.map((name, id) => `${id}\t${name}\n`).join("");
}

async function readVocabulary(path: string, size: number): Promise<string[]> {
  // No name holds a carriage return, so that one was put in by an editor.
  const lines = (await read(path)).toString("utf8").split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  const names = lines.map((line, i) => {
    const tab = line.indexOf("\t");
    if (tab < 0 || line.slice(0, tab) !== String(i)) {
      throw new MuldeError("MODELS_FILE", `${path}:${i + 1}: expected "${i}", a tab and a name.`);
    }
    return line.slice(tab + 1);
  });
  if (names.length !== size) {
    throw new MuldeError("MODELS_FILE", `${path} holds ${names.length} names, but config.json says ${size}.`);
  }
  return names;
}

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new MuldeError("MODELS_NOT_FOUND", `${path} cannot be read: give the directory of a saved model.`, { cause });
  }
}

/**
 * Writes files under temporary names, flushes them to the disk, and only then gives them their names, in order. The last one is what
 * makes the others count: an earlier one goes before they are replaced, so that it never stands beside files of another model.
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
    // Whatever goes wrong here, the first error is the one to tell.
    await Promise.allSettled(written.map(({ temporary }) => rm(temporary, { force: true })));
    throw error;
  }
}
