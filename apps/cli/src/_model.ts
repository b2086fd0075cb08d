import type { Dataset } from "@mulde/datasets";
import * as models from "@mulde/kge-models";
import { loadModel, type SavedModel } from "@mulde/kge-models";
import { MuldeError } from "./_errors.js";

// Enough of a fingerprint for people to tell two apart.
const shown = 12;

/** Loads a model; with a data set, one of another is refused. */
export const openModel: any = (models as any).openModel ?? shim;

async function shim(
  directory: string,
  { data, what = "The model" }: { readonly data?: Dataset | undefined; readonly what?: string } = {},
): Promise<SavedModel> {
  const saved = await loadModel(directory);
  const { dataset } = saved;
  if (data && dataset && dataset.fingerprint !== data.fingerprint) {
    const [theirs, ours] = [dataset.fingerprint, data.fingerprint].map((print) => print.slice(0, shown));
    throw new MuldeError(
      "TRAINER_FOREIGN_DATA",
      `${what} ${directory} was trained on ${dataset.name} (fingerprint ${theirs}), but the data given is ${data.name} (fingerprint ${ours}).`,
    );
  }
  return saved;
}
