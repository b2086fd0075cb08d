import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The directory of the experiments that come along; the path is the same from `src/` and from `dist/`. */
const directory = fileURLToPath(new URL("../experiments/", import.meta.url));
const ending = ".yaml";

/** Names of the experiments that come along. */
export function presetNames(): readonly string[] {
  const files = readdirSync(directory).filter((file) => file.endsWith(ending));
  return files.map((file) => file.slice(0, -ending.length)).sort();
}

/** The YAML file of an experiment that comes along. */
export function presetFile(name: string): string {
  return `${directory}${name}${ending}`;
}
