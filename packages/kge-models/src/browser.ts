// The entry for pages: the same names, but what reads or writes a disk only says that it cannot.
import { noDisk } from "./_node.js";

export * from "./_anywhere.js";
export { noDisk as makeDirectories } from "./_node.js";

function rejected(): Promise<never> {
  return Promise.resolve().then(noDisk);
}

export {
  rejected as endSave,
  rejected as importModel,
  rejected as openSafetensors,
  rejected as saveModel,
  rejected as writeSafetensors,
  rejected as writeWhole,
};
