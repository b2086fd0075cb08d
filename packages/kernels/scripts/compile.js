// How native/ becomes an addon: one object for each instruction set, one for Node's side, linked.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { include_dir } from "node-api-headers";

/** The C++ sources. */
export const source = fileURLToPath(new URL("../native", import.meta.url));

/** The instruction sets that addons hold for each kind of processor, each with its flags. */
const instructionSets = {
  x64: {
    avx512: ["-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mavx2", "-mfma"],
    avx2: ["-mavx2", "-mfma"],
  },
  arm64: { neon: [] },
};

const flags = [
  "-O3",
  "-std=c++17",
  "-fPIC",
  "-fvisibility=hidden",
  "-fno-exceptions",
  "-fno-rtti",
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
  linux: ["-Wl,-z,nodelete"],
  win32: [],
};

// Compilers bring C++'s library along. It is not used, so that a static one adds nothing.
const ownLink = process.platform === "darwin" ? [] : ["-static-libstdc++", "-static-libgcc"];

/**
 * A compiler, and what its addons are for.
 *
 * @param program - the program, and its first arguments if it is a list
 * @param more - os and cpu, by default this machine's; flags for the kernels of an instruction set, and for linking
 */
export function compilerFor(program, { os = process.platform, cpu = process.arch, isa = {}, link = ownLink } = {}) {
  return { command: [program].flat(), os, cpu, isa, link };
}

/** Whether there are kernels for a kind of processor. */
export function hasKernels(cpu) {
  return cpu in instructionSets;
}

/** Whether a compiler is there. */
export function answers(program) {
  return spawnSync(program, ["--version"], { stdio: "ignore" }).status === 0;
}

/** Runs a compiler in native/; throws what it says if it fails. */
export function run([program, ...first], args) {
  const all = [...first, ...args];
  const { status, stderr, error } = spawnSync(program, all, { cwd: source, encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${all.join(" ")}\n${error?.message ?? stderr}`);
}

/**
 * Compiles the kernels of every instruction set into a directory.
 *
 * @param own - flags after the usual ones
 * @returns the object files
 */
export function compileKernels({ command, cpu, isa }, directory, own = []) {
  return Object.entries(instructionSets[cpu]).map(([name, units]) => {
    const object = join(directory, `${name}.o`);
    run(command, [...flags, ...units, ...(isa[name] ?? []), ...own, "-c", "kernels.cc", "-o", object]);
    return object;
  });
}

/** Compiles Node's side and links it with the kernels' objects into `target`. */
export function linkAddon({ command, os, link }, objects, target, own = [], addon = "addon.cc") {
  const object = `${target}.o`;
  run(command, [...flags, ...own, "-I", source, "-c", addon, "-o", object]);
  run(command, ["-shared", "-pthread", object, ...objects, ...(linkFlags[os] ?? []), ...link, ...own, "-o", target]);
}
