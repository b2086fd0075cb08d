// Puts the kernels' tests into a folder, ready to run where vitest does not start:
//   node packages/kernels/conformance/build.js FOLDER
// FOLDER gets conformance.js (one ES module), main.js (for Node and its like), index.html (for pages), and, unless it has them,
// the built packages that those import. Needs a built workspace.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const tests = join(here, "../test");

/** Test files that are not in the bundle, and why. */
export const excluded = {
  "abi.test.ts": "reads the sources and the .wasm, and writes stand-ins for addons",
  "conformance.test.ts": "builds this bundle",
  "create.test.ts": "sets the environment, starts processes and asks the addon itself",
  "hosts.test.ts": "reads what is built, and stands in for pages",
  "platforms.test.ts": "reads manifests and looks for files",
  "processes.test.ts": "starts processes and compilers",
  "wasm.test.ts": "reads the sources",
};

/** The test files that are in the bundle. */
export const included = readdirSync(tests).filter((name) => name.endsWith(".test.ts") && !(name in excluded));

const list = included.map((name) => `${JSON.stringify(name)}: () => import(${JSON.stringify(join(tests, name))}),`);

const plugin = {
  name: "conformance",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^vitest$/ }, () => ({ path: join(here, "vitest.ts") }));
    // The tests run what is built, by its public entry; only internals such as the heap come from src.
    onResolve({ filter: /\/src\/index\.js$/ }, () => ({ path: "@mulde/kernels", external: true }));
    onResolve({ filter: /^virtual:tests$/ }, ({ path }) => ({ path, namespace: "conformance" }));
    onLoad({ filter: /.*/, namespace: "conformance" }, () => ({
      contents: `export const tests = {\n${list.join("\n")}\n};`,
      resolveDir: here,
    }));
  },
};

/** Copies a package as it is built, and without its own node_modules. */
function copyPackage(from, to) {
  for (const part of ["package.json", "dist", "wasm", "mulde.node"]) {
    if (existsSync(join(from, part))) cpSync(join(from, part), join(to, part), { recursive: true });
  }
}

/** The packages that the bundle imports, and those of the platforms that are built. */
function copyPackages(scope) {
  for (const name of ["errors", "kernels"]) copyPackage(join(here, "../..", name), join(scope, name));
  const platforms = join(here, "../platforms");
  if (!existsSync(platforms)) return;
  for (const key of readdirSync(platforms)) {
    if (existsSync(join(platforms, key, "mulde.node")))
      copyPackage(join(platforms, key), join(scope, `kernels-${key}`));
  }
}

/** What a page needs to import a package: the entries of its `exports`, as a browser takes them. */
function importsOf(scope, name) {
  const { exports } = JSON.parse(readFileSync(join(scope, name, "package.json"), "utf8"));
  const target = (entry) => (typeof entry === "string" ? entry : target(entry.browser ?? entry.default));
  return Object.entries(exports).map(([path, entry]) => [
    join("@mulde", name, path),
    `./${join("node_modules/@mulde", name, target(entry))}`,
  ]);
}

/** Fills the folder; see the head of this file. */
export async function buildConformance(folder) {
  mkdirSync(folder, { recursive: true });
  await build({
    entryPoints: [join(here, "run.ts")],
    outfile: join(folder, "conformance.js"),
    bundle: true,
    format: "esm",
    target: "es2022",
    platform: "neutral",
    mainFields: ["module", "main"],
    external: ["@mulde/*"],
    plugins: [plugin],
    legalComments: "none",
    logLevel: "warning",
  });
  const scope = join(folder, "node_modules/@mulde");
  if (!existsSync(join(scope, "kernels"))) copyPackages(scope);
  if (!existsSync(join(folder, "package.json"))) {
    writeFileSync(join(folder, "package.json"), `{ "private": true, "type": "module" }\n`);
  }
  cpSync(join(here, "main.js"), join(folder, "main.js"));
  const imports = Object.fromEntries(["errors", "kernels"].flatMap((name) => importsOf(scope, name)));
  const page = readFileSync(join(here, "index.html"), "utf8");
  writeFileSync(join(folder, "index.html"), page.replace("IMPORTS", JSON.stringify({ imports }, undefined, 2)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2];
  if (folder === undefined) throw new Error("Name a folder: node packages/kernels/conformance/build.js FOLDER");
  await buildConformance(resolve(folder));
}
