import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

/**
 * The packages with code: their folders relative to the root, and their package.json.
 *
 * @param {string} root
 * @returns {{ folder: string, manifest: any }[]}
 */
export function packages(root) {
  return ["packages", "apps"].flatMap((group) => inside(root, group));
}

/**
 * Every package of the workspace, so those of examples and the kernels' platforms too.
 *
 * @param {string} root
 * @returns {{ folder: string, manifest: any }[]}
 */
export function everyPackage(root) {
  const { packages: globs } = parse(readFileSync(join(root, "pnpm-workspace.yaml"), "utf8"));
  return globs.flatMap((glob) => inside(root, glob.replace(/\/\*$/, "")));
}

/**
 * The file, relative to the root, that a package for one platform carries and that git does not; undefined for other packages.
 *
 * @param {{ folder: string, manifest: any }} one
 */
export function binaryOf({ folder, manifest }) {
  return manifest.main?.endsWith(".node") ? `${folder}/${manifest.main}` : undefined;
}

function inside(root, group) {
  return readdirSync(join(root, group))
    .filter((name) => existsSync(join(root, group, name, "package.json")))
    .sort()
    .map((name) => {
      const folder = `${group}/${name}`;
      return { folder, manifest: JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) };
    });
}
