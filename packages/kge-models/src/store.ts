import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Kernels } from "@mulde/kernels";
import { z } from "zod";
import { MuldeError } from "./error.js";
import { emptyModel, type KgeModel, type ModelConfig } from "./model.js";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.js";

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
 * name). Each file appears whole or not at all, `config.json` last.
 *
 * @throws MuldeError MODELS_NAMES if the number of names is not the model's.
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
  const config = { format: formatVersion, ...model.config, dataset: info.dataset, training: info.training };
  await mkdir(directory, { recursive: true });
  await writeWhole(join(directory, files.parameters), encodeSafetensors(tensors));
  await writeWhole(join(directory, files.entities), vocabulary(info.entities));
  await writeWhole(join(directory, files.relations), vocabulary(info.relations));
  await writeWhole(join(directory, files.config), `${JSON.stringify(config, null, 2)}\n`);
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
  const model = await emptyModel(config, options.kernels);
  for (const { name, rows, width, data } of model.tables.values()) {
    const tensor = tensors[name];
    if (!tensor) throw new MuldeError("MODELS_FILE", `${source} has no tensor "${name}", which ${config.model} needs.`);
    if (tensor.data.length !== rows * width || tensor.shape[0] !== rows) {
      throw new MuldeError(
        "MODELS_FILE",
        `${source}: tensor "${name}" has shape [${tensor.shape.join(", ")}], but ${path} makes it [${rows}, ${width}].`,
      );
    }
    const at = tensor.data.findIndex((value) => !Number.isFinite(value));
    if (at >= 0) {
      throw new MuldeError("MODELS_FILE", `${source}: tensor "${name}" holds ${tensor.data[at]} at position ${at}.`);
    }
    data.set(tensor.data);
  }
  return { model, entities, relations, ...(dataset && { dataset }), ...(training && { training }) };
}

function vocabulary(names: readonly string[]): string {
  return names.map((name, id) => `${id}\t${name}\n`).join("");
}

async function readVocabulary(path: string, size: number): Promise<string[]> {
  const lines = (await read(path)).toString("utf8").split("\n");
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

/** Writes a file under a temporary name, flushes it to the disk and renames it. */
async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, "w");
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
