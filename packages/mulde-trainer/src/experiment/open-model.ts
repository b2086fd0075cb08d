import type { Dataset } from "@mulde/datasets";
import type { Kernels } from "@mulde/kernels";
import { loadModel, type SavedModel } from "@mulde/kge-models";
import { MuldeError } from "@mulde/errors";

// Enough of a fingerprint for people to tell two apart.
const shown = 12;

/**
 * Loads a saved model and, where a data set is given, makes sure that the model's ids are the data set's.
 *
 * @param what - How errors call the model: "The model", "The teacher".
 * @throws MuldeError TRAINER_FOREIGN_DATA naming both, and what `loadModel` throws
 */
export async function openModel(
  directory: string,
  data?: Dataset,
  what = "The model",
  kernels?: Kernels,
): Promise<SavedModel> {
  const saved = await loadModel(directory, kernels && { kernels });
  if (data) checkData(directory, saved, data, what);
  return saved;
}

function checkData(directory: string, saved: SavedModel, data: Dataset, what: string): void {
  const { model, dataset, entities, relations } = saved;
  const refuse = (reason: string): never => {
    throw new MuldeError(
      "TRAINER_FOREIGN_DATA",
      `${what} ${directory} ${reason}; use the data set that it was trained on.`,
    );
  };
  if (dataset !== undefined && dataset.fingerprint !== data.fingerprint) {
    const [theirs, ours] = [dataset.fingerprint, data.fingerprint].map((print) => print.slice(0, shown));
    refuse(
      `was trained on ${dataset.name} (fingerprint ${theirs}), but the data given is ${data.name} (fingerprint ${ours})`,
    );
  }
  if (model.entities !== data.entities.size || model.relations !== data.relations.size) {
    refuse(
      `has ${model.entities} entities and ${model.relations} relations, but ${data.name} has ${data.entities.size} and ${data.relations.size}`,
    );
  }
  // A model saved without a fingerprint still has its names.
  const differs = (mine: readonly string[], names: readonly string[]): string | undefined =>
    mine.find((name, id) => name !== names[id]);
  const odd = dataset
    ? undefined
    : (differs(entities, data.entities.names) ?? differs(relations, data.relations.names));
  if (odd !== undefined) refuse(`has ${JSON.stringify(odd)} where ${data.name} has another name`);
}
