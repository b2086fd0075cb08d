import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileSource, readError } from "./_source.js";
import type { Folder } from "./_splits.js";

/** A directory on the disk as a folder. */
export function directoryFolder(directory: string): Folder {
  return {
    name: directory,
    source: (path) => fileSource(join(directory, path)),
    async list(below = "") {
      const path = join(directory, below);
      try {
        const entries = await readdir(path, { withFileTypes: true });
        entries.sort((a, b) => (a.name < b.name ? -1 : 1));
        return {
          // People link data sets into place, so a link counts as a file. So does a pipe or device, which reading refuses with a reason.
          files: entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name),
          directories: entries.filter((entry) => entry.isDirectory()).map(({ name }) => name),
        };
      } catch (cause) {
        throw readError(path, cause);
      }
    },
  };
}
