import { node } from "../_node.js";
import type { ReadCodes } from "./_disk-file.js";
import type { Folder } from "./_folder.js";
import { openTogether } from "./_together.js";

/** The errors about a file of a model. */
export const codes: ReadCodes = {
  absent: "MODELS_NOT_FOUND",
  unreadable: "MODELS_READ",
  advice: "Give the directory of a saved model.",
};

/** A directory that `saveModel` wrote, perhaps while it writes another model there. */
export function diskFolder(directory: string): Folder {
  return {
    name: directory,
    open: (name, digest) => openTogether(node("path").join(directory, name), digest, codes),
  };
}
