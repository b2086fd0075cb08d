// What a package's bundle holds of others' work, and the notice that their licences ask for.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * The text of a package's THIRD-PARTY-NOTICES, or undefined if its bundle is its own work alone. Build the package first: esbuild leaves a
 * comment before each module that a bundle holds.
 *
 * @param {string} root - the workspace, with its packages installed
 * @param {string} folder - the package's folder in it
 */
export function notices(root, folder) {
  const works = new Map();
  for (const file of bundled(join(root, folder))) {
    const home = packageOf(file);
    works.set(home, [...(works.get(home) ?? []), file]);
  }
  if (works.size === 0) return undefined;
  const texts = [...works].sort().map(([home, files]) => notice(home, files));
  return `The bundle of this package holds modules of other works, as they are.\n${texts.join("")}`;
}

/** The files of other packages whose code is in a package's dist. */
function bundled(folder) {
  const dist = join(folder, "dist");
  const files = readdirSync(dist)
    .filter((name) => name.endsWith(".js"))
    .flatMap((name) => [...readFileSync(join(dist, name), "utf8").matchAll(/^\s*\/\/ (\S*node_modules\/\S+)$/gm)])
    .map(([, path]) => join(folder, path));
  return [...new Set(files)];
}

/** The directory of the package that a file belongs to. */
function packageOf(file) {
  let home = dirname(file);
  // A package.json without a name only says how to read the files beside it.
  while (!existsSync(join(home, "package.json")) || !manifestOf(home).name) home = dirname(home);
  return home;
}

function manifestOf(home) {
  return JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
}

function notice(home, files) {
  const { name, version, license, repository } = manifestOf(home);
  const heads = files.flatMap((file) => readFileSync(file, "utf8").match(/(?<=^[ *]*)Copyright \S.*$/gm) ?? []);
  const own = readdirSync(home).find((file) => /^licen[cs]e(\.\w+)?$/i.test(file));
  const text = own ? join(home, own) : new URL(`licenses/${license}.txt`, import.meta.url);
  const also = readdirSync(home).find((file) => /^notice(\.\w+)?$/i.test(file));
  return [
    "",
    "-".repeat(80),
    `${name} ${version}, ${(repository?.url ?? repository).replace(/^git\+/, "")}`,
    ...[...new Set(heads)].sort(),
    `Licence: ${license}`,
    ...(also ? ["", readFileSync(join(home, also), "utf8").trim()] : []),
    "",
    readFileSync(text, "utf8").trimEnd(),
    "",
  ].join("\n");
}
