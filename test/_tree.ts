import { execFileSync } from "node:child_process";
import { lstatSync } from "node:fs";
import { join } from "node:path";
import { root } from "./_workspace.js";

/**
 * What is committed, or would be by `git add --all`: paths relative to the root, symbolic links included. Outside a checkout (an unpacked
 * archive) there is no list, and git's error says so.
 */
export function committedFiles(): string[] {
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  });
  // A file that was deleted and not yet committed is still listed.
  return [...new Set(listed.split("\0"))].filter(
    (path) => path !== "" && lstatSync(join(root, path), { throwIfNoEntry: false }),
  );
}
