import { MuldeError } from "@mulde/errors";
import type { Kernels } from "@mulde/kernels";
import type { ModelConfig } from "../config.js";
import { emptyModel } from "../create.js";
import type { KgeModel } from "../model.js";
import { tableShapes } from "../models/_shape.js";
import { modelDefinition } from "../models/registry.js";
import type { Folder } from "./_folder.js";
import { folderOf, type ModelSource } from "./_source.js";
import { configText, parseConfig, type SavedConfig } from "./_model-config.js";
import { files, notFinite, type SavedModel } from "./_model-files.js";
import { quoted, shapeText } from "./_quoted.js";
import type { OpenFile } from "./_reading.js";
import { readSafetensors, type SafetensorsFile } from "./_safetensors-reader.js";
import { readVocabulary } from "./_vocabulary.js";

/** What `loadModel` may be told. */
interface LoadOptions {
  /** the kernels that score; shared ones unless given */
  readonly kernels?: Kernels | undefined;
}

/**
 * Reads a saved model: from its directory, over HTTP, or from the bytes of its files. If the model is your own, call `defineModel` first.
 * Everything in the files is data: nothing of it is ever executed.
 *
 * Every file is checked against its SHA-256 in `config.json`; without `files` there, as in a directory made by hand or from Python, only for
 * its form. (A page that came by plain http has no SHA-256: it compares sizes.) Memory is taken for what the files hold, not for what they
 * claim.
 *
 * @throws MuldeError MODELS_SOURCE for what is no source; MODELS_NO_DISK for a path where there is no Node; MODELS_NOT_FOUND if a file is
 *   missing, MODELS_READ if it cannot be read, both with the server's status as `value`; else MODELS_FILE, MODELS_CONFIG,
 *   MODELS_CHECKSUM, MODELS_UNKNOWN_MODEL or a SAFETENSORS_ code, with the file and what is wrong with it
 */
export async function loadModel(source: ModelSource, options: LoadOptions = {}): Promise<SavedModel> {
  return loadFrom(await folderOf(source), options.kernels);
}

/** Reads a model from a folder that is found already. */
export async function loadFrom(folder: Folder, kernels: Kernels | undefined): Promise<SavedModel> {
  for (let attempt = 1; ; attempt++) {
    const { text, saved } = await readConfig(folder);
    try {
      return await load(folder, saved, kernels);
    } catch (error) {
      // Another process may have saved a model here while we read the files of the one before.
      const now = await readConfig(folder).catch(() => undefined);
      if (now?.text === text || attempt === 3) throw error;
    }
  }
}

interface Opened {
  readonly file: OpenFile;
  /** Throws if the file is not the one that was saved: after its form was checked, which can tell more. */
  readonly check: () => void;
}

async function load(folder: Folder, saved: SavedConfig, kernels: Kernels | undefined): Promise<SavedModel> {
  const { config, dataset, training, files: digests } = saved;
  const opened = async <T>(name: string, use: (opened: Opened) => Promise<T>): Promise<T> => {
    const digest = digests && Object.hasOwn(digests, name) ? digests[name] : undefined;
    const { file, intact } = await folder.open(name, digest);
    const check = (): void => {
      if (intact) return;
      const how =
        file.size === digest!.bytes ? "its SHA-256 differs" : `it has ${file.size} bytes instead of ${digest!.bytes}`;
      throw new MuldeError(
        "MODELS_CHECKSUM",
        `This is not the file that was saved with config.json (${how}): it is damaged, or of another model. Restore it, or save the ` +
          'model again; if you changed it on purpose, remove "files" from config.json.',
        { file: file.path },
      );
    };
    try {
      return await use({ file, check });
    } finally {
      await file.close();
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

async function readConfig(folder: Folder): Promise<{ text: string; saved: SavedConfig }> {
  const { file } = await folder.open(files.config);
  const text = await configText(file);
  return { text, saved: parseConfig(text, file.path) };
}
