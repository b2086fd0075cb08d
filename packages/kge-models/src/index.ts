export * from "./_anywhere.js";
export type { SafetensorsEntry, SafetensorsFile } from "./files/_safetensors-reader.js";
export type { ImportSource } from "./files/import-layouts.js";
export { importModel, type ImportOptions } from "./files/import.js";
export { openSafetensors, writeSafetensors, type WriteSafetensorsOptions } from "./files/safetensors-file.js";
export { endSave, saveModel } from "./files/save.js";
export { makeDirectories, writeWhole } from "./files/whole-file.js";
