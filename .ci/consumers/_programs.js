// Programs as users write them, copied into a project and run there.
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execute } from "./_execute.js";

/** The Nodes that are supported, the oldest first. */
export const nodes = ["node20", "node22", "node24"];

/** A program's file here. */
export function program(name) {
  return fileURLToPath(new URL(`programs/${name}`, import.meta.url));
}

/** Tries whatever a folder has installed: node smoke.js FOLDER. */
export const smoke = fileURLToPath(new URL("../smoke.js", import.meta.url));

/** Copies a program into a project; returns the copy. */
export function placed(name, folder) {
  const file = join(folder, name);
  copyFileSync(program(name), file);
  return file;
}

/** Runs a program in a project on a Node; `flags` are Node's, the other options those of `execute`. */
export async function runProgram({ tools }, name, folder, { node = "node20", flags = [], args = [], ...options } = {}) {
  const file = placed(name, folder);
  return execute(await tools.bin(node), [...flags, file, ...args], { cwd: folder, ...options });
}
