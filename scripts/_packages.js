import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Every package of the workspace: its folder relative to the root, and its package.json.
 *
 * @param {string} root
 */
export function packages(root) {
  return ["packages", "apps"].flatMap((group) =>
    readdirSync(join(root, group))
      .filter((name) => existsSync(join(root, group, name, "package.json")))
      .sort()
      .map((name) => {
        const folder = `${group}/${name}`;
        return { folder, manifest: JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) };
      }),
  );
}
