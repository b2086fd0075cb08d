// How native/ becomes an addon: one object for each instruction set, one for Node's side, linked.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { include_dir } from "node-api-headers";

/** The C++ sources. */
export const source = fileURLToPath(new URL("../native", import.meta.url));

/** The instruction sets that addons for this kind of processor hold, each with its flags; undefined where there are no kernels for it. */
export const instructionSets = {
  x64: {
    avx512: ["-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mavx2", "-mfma"],
    avx2: ["-mavx2", "-mfma"],
  },
  arm64: { neon: [] },
}[process.arch];

const flags = [
  "-O3",
  "-std=c++17",
  "-fPIC",
  "-fvisibility=hidden",
  "-fno-math-errno",
  // The same operations must give the same bits wherever they are inlined: fused multiply-adds only where the source says so.
  "-ffp-contract=off",
  "-fopenmp-simd",
  "-I",
  include_dir,
];

const linkFlags = {
  darwin: ["-undefined", "dynamic_lookup"],
  // The pool's threads run code of the library: it must not be unloaded under them.
  linux: ["-static-libstdc++", "-static-libgcc", "-Wl,-z,nodelete"],
}[process.platform] ?? ["-static-libstdc++", "-static-libgcc"];

/** Whether a compiler is there. */
export function answers(compiler) {
  return spawnSync(compiler, ["--version"], { stdio: "ignore" }).status === 0;
}

/** Runs a compiler in native/; throws what it says if it fails. */
export function run(compiler, args) {
  const { status, stderr, error } = spawnSync(compiler, args, { cwd: source, encoding: "utf8" });
  if (status !== 0) throw new Error(`${compiler} ${args.join(" ")}\n${error?.message ?? stderr}`);
}

/**
 * Compiles the kernels of every instruction set into a directory.
 *
 * @param own - flags after the usual ones
 * @returns the object files
 */
export function compileKernels(compiler, directory, own = []) {
  return Object.entries(instructionSets).map(([isa, units]) => {
    const object = join(directory, `${isa}.o`);
    run(compiler, [...flags, ...units, ...own, "-c", "kernels.cc", "-o", object]);
    return object;
  });
}

/** Compiles Node's side and links it with the kernels' objects into `target`. */
export function linkAddon(compiler, objects, target, own = [], addon = "addon.cc") {
  const object = `${target}.o`;
  run(compiler, [...flags, ...own, "-I", source, "-c", addon, "-o", object]);
  run(compiler, ["-shared", "-pthread", object, ...objects, ...linkFlags, ...own, "-o", target]);
}
