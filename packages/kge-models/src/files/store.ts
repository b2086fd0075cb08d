import { join } from "node:path";
import { MuldeError } from "@mulde/errors";
import type { Kernels } from "@mulde/kernels";
import type { ModelConfig } from "../config.js";
import { emptyModel } from "../create.js";
import type { KgeModel } from "../model.js";
import { tableShapes } from "../models/_shape.js";
import { modelDefinition } from "../models/registry.js";
import { digestsIn, encodeConfig, parseConfig, type SavedConfig } from "./_model-config.js";
import { bytesAt, type OpenFile, openRegular, type ReadCodes } from "./_reading.js";
import { quoted, shapeText } from "./_quoted.js";
import { layOut } from "./_safetensors-header.js";
import { endInterrupted, openTogether, writeTogether } from "./_together.js";
import { checkNames, checkUnique, readVocabulary, vocabularyLines } from "./_vocabulary.js";
import { bytesOf, readSafetensors, type SafetensorsFile } from "./safetensors-file.js";
import { type Digests, encoded } from "./whole-file.js";

/** What a model directory holds beside the parameters. */
export interface ModelInfo {
  /** Entity names in the order of their ids. */
  readonly entities: readonly string[];
  /** The R relation names in the order of their ids. */
  readonly relations: readonly string[];
  /** The data set's name and fingerprint, so that nobody uses the model with the ids of another one. */
  readonly dataset?: { readonly name: string; readonly fingerprint: string };
  /** How the model was trained: options, metrics, seconds. Stored as given, as JSON. */
  readonly training?: Readonly<Record<string, unknown>>;
}

/** A model with its names. */
export interface SavedModel extends ModelInfo {
  readonly model: KgeModel;
}

const files = {
  parameters: "model.safetensors",
  config: "config.json",
  entities: "entities.tsv",
  relations: "relations.tsv",
} as const;

const codes: ReadCodes = {
  absent: "MODELS_NOT_FOUND",
  unreadable: "MODELS_READ",
  advice: "Give the directory of a saved model.",
};

// A configuration has a few kilobytes, or some megabytes with a Senior's scales. To parse more could take a gigabyte.
const maxConfigBytes = 32 << 20;

/** The file that makes the others count. */
const marker = {
  name: files.config,
  digests: (path: string): Promise<Digests> => readText(path).then(digestsIn, () => ({})),
};

/**
 * Writes a model directory: `model.safetensors` (readable from Python), `config.json`, `entities.tsv` and `relations.tsv` (id, tab,
 * name).
 *
 * A model that the directory already holds stays whole until the new one is on the disk, and if anything fails: all files are written under
 * temporary names first. `config.json` holds the size and the SHA-256 of the others and gets its name first; until the others have theirs,
 * `loadModel` reads them under the temporary ones. So a process that is killed, at any moment, leaves the old model or the new one.
 * Temporary files of a dead process are removed by the next save.
 *
 * @throws MuldeError MODELS_NAMES if there are more or fewer names than the model has, two are the same, or one holds a tab or a line break;
 *   MODELS_NOT_FINITE if a parameter is NaN or infinite; MODELS_TRAINING if `training` is no JSON; MODELS_DISPOSED, all before anything is
 *   written; MODELS_WRITE with the file and the reason if the disk refuses
 */
export async function saveModel(model: KgeModel, directory: string, info: ModelInfo): Promise<void> {
  for (const kind of ["entities", "relations"] as const) {
    checkNames(info[kind], kind, model[kind]);
    checkUnique(info[kind], kind);
  }
  const tables = [...model.tables.values()];
  for (const { name, data } of tables) {
    const at = notFinite(data);
    if (at < 0) continue;
    throw new MuldeError(
      "MODELS_NOT_FINITE",
      `The table "${name}" holds ${data[at]} at position ${at}, so nothing was saved: the model diverged, train it again.`,
    );
  }
  const { config } = model;
  const { dataset, training } = info;
  const configOf = (digests?: Digests): string =>
    encodeConfig({
      config,
      ...(dataset && { dataset }),
      ...(training && { training }),
      ...(digests && { files: digests }),
    });
  checkReadable(configOf());
  const tensors = tables.map(({ name, rows, width, data }) => [name, { shape: [rows, width], data }] as const);
  const layout = layOut(Object.fromEntries(tensors), { model: config.model });
  await writeTogether(
    "MODELS_WRITE",
    directory,
    [
      { name: files.parameters, pieces: () => bytesOf(layout) },
      { name: files.entities, pieces: () => encoded(vocabularyLines(info.entities)) },
      { name: files.relations, pieces: () => encoded(vocabularyLines(info.relations)) },
    ],
    { ...marker, content: (digests) => encoded([configOf(digests)]) },
  );
}

/**
 * Ends what a save left undone whose process was killed: a model that is whole already gets all its files' names, and temporary files of dead
 * processes go. `saveModel` begins with it. Call it only if no other process saves there.
 *
 * @throws MuldeError MODELS_WRITE with the file and the reason if the disk refuses
 */
export function endSave(directory: string): Promise<void> {
  const names = [files.parameters, files.entities, files.relations];
  return endInterrupted(
    "MODELS_WRITE",
    directory,
    names.map((name) => ({ name })),
    marker,
  );
}

/**
 * Reads a model directory. If the model is your own, call `defineModel` first. Everything in the directory is data: nothing of it is ever executed.
 *
 * Every file is checked against its SHA-256 in `config.json`; without `files` there, as in a directory made by hand or from Python, only for
 * its form. Memory is taken for what the files hold, not for what they claim.
 *
 * @throws MuldeError MODELS_NOT_FOUND if a file is missing, MODELS_READ if it cannot be read, else MODELS_FILE, MODELS_CONFIG,
 *   MODELS_CHECKSUM, MODELS_UNKNOWN_MODEL or a SAFETENSORS_ code, with the file and what is wrong with it
 */
export async function loadModel(directory: string, options: { readonly kernels?: Kernels } = {}): Promise<SavedModel> {
  if (typeof (directory as unknown) !== "string" || directory.includes("\0")) {
    const reason = "must be the path of a directory, as text without a NUL.";
    throw new MuldeError("MODELS_NOT_FOUND", reason, { path: ["directory"], value: directory });
  }
  const path = join(directory, files.config);
  for (let attempt = 1; ; attempt++) {
    const { text, saved } = await readConfig(path);
    try {
      return await load(directory, saved, options.kernels);
    } catch (error) {
      // Another process may have saved a model here while we read the files of the one before.
      const now = await readConfig(path).catch(() => undefined);
      if (now?.text === text || attempt === 3) throw error;
    }
  }
}

interface Opened {
  readonly file: OpenFile;
  /** Throws if the file is not the one that was saved: after its form was checked, which can tell more. */
  readonly check: () => void;
}

async function load(directory: string, saved: SavedConfig, kernels: Kernels | undefined): Promise<SavedModel> {
  const { config, dataset, training, files: digests } = saved;
  const opened = async <T>(name: string, use: (opened: Opened) => Promise<T>): Promise<T> => {
    const path = join(directory, name);
    const digest = digests && Object.hasOwn(digests, name) ? digests[name] : undefined;
    const { file, intact } = await openTogether(path, digest, codes);
    const check = (): void => {
      if (intact) return;
      const how =
        file.size === digest!.bytes ? "its SHA-256 differs" : `it has ${file.size} bytes instead of ${digest!.bytes}`;
      throw new MuldeError(
        "MODELS_CHECKSUM",
        `This is not the file that was saved with config.json (${how}): it is damaged, or of another model. Restore it, or save the ` +
          'model again; if you changed it on purpose, remove "files" from config.json.',
        { file: path },
      );
    };
    try {
      return await use({ file, check });
    } finally {
      await file.handle.close();
    }
  };
  const names = (kind: "entities" | "relations"): Promise<string[]> =>
    opened(files[kind], async ({ file, check }) => {
      const read = await readVocabulary(file, config[kind]);
      check();
      return read;
    });
  const entities = await names("entities");
  const relations = await names("relations");
  const model = await opened(files.parameters, async ({ file, check }) => {
    const tensors = await readSafetensors(file);
    checkTables(tensors, config, file.path);
    check();
    return filled(await emptyModel(config, kernels), tensors, file.path);
  });
  return { model, entities, relations, ...(dataset && { dataset }), ...(training && { training }) };
}

// What a table may be stored as. A tensor of another dtype, such as a counter of steps, is no table of another model.
const floats = new Set(["F64", "F32", "F16", "BF16"]);

/** Refuses a file whose tensors are not the model's tables. */
function checkTables({ tensors, metadata }: SafetensorsFile, config: ModelConfig, file: string): void {
  const shapes = tableShapes(config, modelDefinition(config.model));
  const refuse = (reason: string): MuldeError => new MuldeError("MODELS_FILE", reason, { file });
  const own = new Set(shapes.map(({ name }) => name));
  const odd = [...tensors].filter(([name, { dtype }]) => !own.has(name) && floats.has(dtype)).map(([name]) => name);
  const missing = [...own].filter((name) => !tensors.has(name));
  if (odd.length > 0 || missing.length > 0) {
    const faults = [
      ...(missing.length > 0 ? [`lacks ${listed(missing)}`] : []),
      ...(odd.length > 0 ? [`holds ${listed(odd)}, which ${odd.length === 1 ? "does" : "do"} not belong to it`] : []),
    ];
    const made = metadata.model === undefined ? "" : ` It was saved as ${quoted(metadata.model)}.`;
    throw refuse(
      `config.json says ${config.model}, but this file ${faults.join(", and ")}.${made} Correct "model" in config.json, or save the model again.`,
    );
  }
  if (metadata.model !== undefined && metadata.model !== config.model) {
    throw refuse(
      `This is a ${quoted(metadata.model)}, but config.json says ${config.model}. Correct "model" in config.json, or save the model again.`,
    );
  }
  for (const { name, rows, width } of shapes) {
    const { shape } = tensors.get(name)!;
    // A column may stand without its width of 1.
    if (shape[0] === rows && (shape[1] ?? 1) === width && shape.length <= 2) continue;
    throw refuse(
      `The tensor "${name}" has the shape ${shapeText(shape)}, but config.json makes it [${rows}, ${width}].`,
    );
  }
}

// Enough to see whose they are.
const listedNames = 8;

function listed(names: readonly string[]): string {
  const more = names.length > listedNames ? ` and ${names.length - listedNames} more` : "";
  return names.slice(0, listedNames).map(quoted).join(", ") + more;
}

/** Copies the tensors of a file into a model's tables; disposes of the model if that fails. */
async function filled(model: KgeModel, tensors: SafetensorsFile, file: string): Promise<KgeModel> {
  try {
    for (const { name, data } of model.tables.values()) {
      await tensors.read(name, data);
      const at = notFinite(data);
      if (at < 0) continue;
      throw new MuldeError("MODELS_FILE", `The tensor "${name}" holds ${data[at]} at position ${at}.`, { file });
    }
    return model;
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** The position of the first NaN or infinity, or -1. */
function notFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return -1;
}

async function readConfig(path: string): Promise<{ text: string; saved: SavedConfig }> {
  const text = await readText(path);
  return { text, saved: parseConfig(text, path) };
}

/** The text of `config.json`. */
async function readText(path: string): Promise<string> {
  const file = await openRegular(path, codes);
  try {
    if (file.size > maxConfigBytes) {
      const reason = `The file has ${file.size} bytes, too many for the configuration of a model; restore it.`;
      throw new MuldeError("MODELS_FILE", reason, { file: path });
    }
    const bytes = await bytesAt(file, 0, file.size);
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    if (cause instanceof MuldeError) throw cause;
    throw new MuldeError("MODELS_FILE", "The file is not UTF-8; restore it, or save it as UTF-8.", {
      file: path,
      cause,
    });
  } finally {
    await file.handle.close();
  }
}

/** Refuses to write a configuration that could not be read back. */
function checkReadable(text: string): void {
  // The digests of the files take some hundred bytes more.
  if (Buffer.byteLength(text) > maxConfigBytes - 1024) {
    throw new MuldeError("MODELS_TRAINING", "This is too long for config.json; leave out what is long.", {
      path: ["training"],
    });
  }
  parseConfig(text, files.config);
}
