// Compiles native/ into mulde-<key>.node, in dist/ or the directory given, with the first C++ compiler that can ($CXX, g++, clang++,
// c++). Where none can, it says so in one line and succeeds: the WebAssembly build in wasm/ serves instead. With MULDE_KERNELS=native it
// fails and shows what the compilers said; with MULDE_KERNELS=wasm it does not try.
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { answers, compileKernels, compilerFor, hasKernels, linkAddon } from "./compile.js";

const directory = process.argv[2] ?? fileURLToPath(new URL("../dist", import.meta.url));
const target = join(directory, `mulde-${hostKey()}.node`);

/** This platform's name, as in src/_addon.ts. */
function hostKey() {
  const { platform, arch, report } = process;
  if (platform !== "linux") return `${platform}-${arch}`;
  // Otherwise it looks up the names of all network interfaces.
  report.excludeNetwork = true;
  return `${platform}-${arch}-${report.getReport().header.glibcVersionRuntime ? "gnu" : "musl"}`;
}

/** Builds the addon; returns what went wrong, or nothing. */
function build(program) {
  const work = mkdtempSync(join(tmpdir(), "mulde-native-"));
  try {
    const compiler = compilerFor(program);
    const built = join(work, "addon");
    linkAddon(compiler, compileKernels(compiler, work), built);
    mkdirSync(directory, { recursive: true });
    // A rename works within one file system only, and leaves no half-written addon.
    copyFileSync(built, `${target}.new`);
    renameSync(`${target}.new`, target);
    return undefined;
  } catch (error) {
    return error.message;
  } finally {
    rmSync(work, { recursive: true });
    rmSync(`${target}.new`, { force: true });
  }
}

/** What to say, and whether native kernels were made. */
function main() {
  const wanted = process.env.MULDE_KERNELS;
  if (!hasKernels(process.arch)) return [`there are no native kernels for ${process.arch}`];
  if (process.platform === "win32") return ["native kernels for Windows are built on Linux, by build-platforms.js"];
  if (wanted === "wasm") return ["MULDE_KERNELS=wasm"];
  const failures = [];
  for (const compiler of new Set([process.env.CXX, "g++", "clang++", "c++"].filter(Boolean))) {
    if (!answers(compiler)) continue;
    const failure = build(compiler);
    if (failure === undefined) return [`native kernels built with ${compiler}`, true];
    failures.push([compiler, failure]);
  }
  if (wanted === "native") for (const [, failure] of failures) console.error(failure);
  const names = failures.map(([compiler]) => compiler).join(", ");
  return [failures.length === 0 ? "no C++ compiler" : `${names} cannot compile the native kernels`];
}

const [text, built = false] = main();
if (built) {
  console.log(`@mulde/kernels: ${text}`);
} else {
  rmSync(target, { force: true });
  console.log(`@mulde/kernels: ${text}; WebAssembly will be used, which takes about twice the time`);
  if (process.env.MULDE_KERNELS === "native") process.exitCode = 1;
}
