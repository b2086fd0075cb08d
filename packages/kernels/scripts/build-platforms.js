// Builds the addons of the platform packages into platforms/<key>/mulde.node, on Linux for x64:
//   node packages/kernels/scripts/build-platforms.js [--pack FOLDER] [key...]
// Without keys it builds all. --pack also packs those packages into a folder. It needs g++, g++-aarch64-linux-gnu and the npm registry, from which
// zig comes; the exit code is 77 if all that it could not build lacks a tool, and 1 if a build failed.
import { copyFileSync, mkdtempSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { def_paths } from "node-api-headers";
import { pnpm } from "../../../scripts/_pnpm.js";
import { answers, compileKernels, compilerFor, linkAddon, run } from "./compile.js";
import { platforms } from "./platforms.js";
import { findZig } from "./zig.js";

const here = fileURLToPath(new URL("..", import.meta.url));

/** Objects of the kernels by compiler and processor: platforms that differ in their C library share them. */
const kernels = new Map();

function objectsOf(compiler, work) {
  const key = compiler.command.join(" ");
  if (!kernels.has(key)) kernels.set(key, compileKernels(compiler, mkdtempSync(join(work, "kernels-"))));
  return kernels.get(key);
}

/** The flags that link an addon for an operating system. */
function linkFlags(zig, os, work) {
  // Nothing is used of C++'s library, and no symbols are needed once linked.
  const usual = ["-nostdlib++", "-s"];
  // By default the folder of the build is its name.
  if (os === "darwin") return [...usual, "-Wl,-install_name,mulde.node"];
  if (os !== "win32") return usual;
  // Windows wants to know at link time which program has the symbols.
  const library = join(work, "node.lib");
  run([zig, "dlltool"], ["-d", def_paths.node_api_def, "-l", library, "-D", "node.exe", "-m", "i386:x86-64"]);
  return [...usual, library];
}

function build(zig, key, work) {
  const { os, cpu, zig: target, kernels: own } = platforms[key];
  // This clang has AVX-512 without its 512-bit vectors, unless asked.
  const isa = { avx512: ["-mevex512"] };
  const compiler = compilerFor([zig, "c++", "-target", target], { os, cpu, isa, link: linkFlags(zig, os, work) });
  const objects = objectsOf(own === undefined ? compiler : compilerFor(own, { os, cpu }), work);
  const built = join(work, "mulde.node");
  linkAddon(compiler, objects, built);
  const file = join(here, "platforms", key, "mulde.node");
  copyFileSync(built, `${file}.new`);
  renameSync(`${file}.new`, file);
  console.log(`${key}: ${statSync(file).size} bytes`);
}

function pack(keys, folder) {
  const filters = keys.map((key) => `--filter=@mulde/kernels-${key}`);
  const args = ["--recursive", ...filters, "pack", "--pack-destination", resolve(folder)];
  if (keys.length > 0 && pnpm(args) !== 0) throw new Error("the packages cannot be packed; see above");
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { pack: { type: "string" } } });
const unknown = positionals.find((key) => !(key in platforms));
if (unknown !== undefined) throw new Error(`"${unknown}" is none of ${Object.keys(platforms).join(", ")}.`);

const work = mkdtempSync(join(tmpdir(), "mulde-platforms-"));
try {
  const built = [];
  const zig = findZig();
  for (const key of positionals.length > 0 ? positionals : Object.keys(platforms)) {
    const { kernels: own } = platforms[key];
    if (own !== undefined && !answers(own[0])) {
      console.log(`${key}: not built, since there is no ${own[0]}`);
      process.exitCode = 77;
      continue;
    }
    build(zig, key, work);
    built.push(key);
  }
  if (values.pack !== undefined) pack(built, values.pack);
} finally {
  rmSync(work, { recursive: true });
}
