// Compiles native/ into mulde-<platform>-<arch>.node, in dist/ or the directory given, with the first C++ compiler that can ($CXX, g++, clang++,
// c++). Where none can, it says so in one line and succeeds: the WebAssembly build in wasm/ serves instead. With MULDE_KERNELS=native it
// fails and shows what the compilers said; with MULDE_KERNELS=wasm it does not try.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { include_dir } from "node-api-headers";

const here = fileURLToPath(new URL("..", import.meta.url));
const source = join(here, "native");
const directory = process.argv[2] ?? join(here, "dist");
const platform = `${process.platform}-${process.arch}`;
const target = join(directory, `mulde-${platform}.node`);

const instructionSets = {
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

function answers(compiler) {
  return spawnSync(compiler, ["--version"], { stdio: "ignore" }).status === 0;
}

/** Runs a compiler; returns what it says if it fails. */
function run(compiler, args) {
  const { status, stderr, error } = spawnSync(compiler, args, { cwd: source, encoding: "utf8" });
  return status === 0 ? undefined : `${compiler} ${args.join(" ")}\n${error?.message ?? stderr}`;
}

/** Builds the addon; returns what went wrong, or nothing. */
function build(compiler) {
  const work = mkdtempSync(join(tmpdir(), "mulde-native-"));
  try {
    const units = [
      ["addon", "addon.cc", []],
      ...Object.entries(instructionSets).map(([isa, own]) => [isa, "kernels.cc", own]),
    ];
    const objects = units.map(([name]) => join(work, `${name}.o`));
    for (const [i, [, file, own]] of units.entries()) {
      const failure = run(compiler, [...flags, ...own, "-c", file, "-o", objects[i]]);
      if (failure !== undefined) return failure;
    }
    mkdirSync(directory, { recursive: true });
    const failure = run(compiler, ["-shared", "-pthread", ...objects, ...linkFlags, "-o", `${target}.new`]);
    if (failure === undefined) renameSync(`${target}.new`, target);
    return failure;
  } finally {
    rmSync(work, { recursive: true });
    rmSync(`${target}.new`, { force: true });
  }
}

/** What to say, and whether native kernels were made. */
function main() {
  const wanted = process.env.MULDE_KERNELS;
  if (!instructionSets || process.platform === "win32") return [`no native kernels for ${platform}`];
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
