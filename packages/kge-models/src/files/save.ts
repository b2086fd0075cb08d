import { MuldeError } from "@mulde/errors";
import type { KgeModel } from "../model.js";
import { openRegular } from "./_disk-file.js";
import { codes } from "./_disk-folder.js";
import { configText, digestsIn, encodeConfig, maxConfigBytes, parseConfig } from "./_model-config.js";
import { files, type ModelInfo, notFinite } from "./_model-files.js";
import type { Digests } from "./_reading.js";
import { layOut } from "./_safetensors-layout.js";
import { endInterrupted, writeTogether } from "./_together.js";
import { checkNames, checkUnique, vocabularyLines } from "./_vocabulary.js";
import { bytesOf } from "./safetensors-file.js";
import { encoded } from "./whole-file.js";

/** The file that makes the others count. */
const marker = {
  name: files.config,
  digests: (path: string): Promise<Digests> =>
    openRegular(path, codes)
      .then(configText)
      .then(digestsIn, () => ({})),
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

/** Refuses to write a configuration that could not be read back. */
function checkReadable(text: string): void {
  // The digests of the files take some hundred bytes more.
  if (new TextEncoder().encode(text).length > maxConfigBytes - 1024) {
    throw new MuldeError("MODELS_TRAINING", "This is too long for config.json; leave out what is long.", {
      path: ["training"],
    });
  }
  parseConfig(text, files.config);
}
