import { readdirSync } from "node:fs";
import { basename, join } from "node:path";

// The presets come with the command; research has the others.
const folders = ["apps/cli/experiments", "research/experiments"];

/**
 * Every experiment of the repository: its name and its file relative to the root.
 *
 * @param {string} root
 */
export function experiments(root) {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((file) => file.endsWith(".yaml"))
      .sort()
      .map((file) => ({ name: basename(file, ".yaml"), file: `${folder}/${file}` })),
  );
}
