// Compiles native/ into dist/mulde-<platform>-<arch>.node when a C++ compiler is found ($CXX, g++, clang++, c++). Without one it says so
// and succeeds: the WebAssembly build in wasm/ serves instead.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { include_dir } from "node-api-headers";

const here = fileURLToPath(new URL("..", import.meta.url));
const source = join(here, "native");
const dist = join(here, "dist");
const target = join(dist, `mulde-${process.platform}-${process.arch}.node`);

const instructionSets = {
  x64: {
    avx512: ["-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mavx2", "-mfma"],
    avx2: ["-mavx2", "-mfma"],
  },
  arm64: { neon: [] },
}[process.arch];

function works(compiler) {
  return spawnSync(compiler, ["--version"], { stdio: "ignore" }).status === 0;
}

function compile(compiler, args) {
  const { status, stderr } = spawnSync(compiler, args, { cwd: source, encoding: "utf8" });
  if (status !== 0) throw new Error(`${compiler} ${args.join(" ")}\n${stderr}`);
}

function build(compiler) {
  const work = mkdtempSync(join(tmpdir(), "mulde-native-"));
  try {
    const common = [
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
    const units = [["addon", []], ...Object.entries(instructionSets).map(([isa, flags]) => ["kernels", flags, isa])];
    const objects = units.map(([unit, flags, isa]) => {
      const object = join(work, `${isa ?? unit}.o`);
      compile(compiler, [...common, ...flags, "-c", `${unit}.cc`, "-o", object]);
      return object;
    });
    const link =
      process.platform === "darwin" ? ["-undefined", "dynamic_lookup"] : ["-static-libstdc++", "-static-libgcc"];
    mkdirSync(dist, { recursive: true });
    compile(compiler, ["-shared", "-pthread", ...objects, ...link, "-o", `${target}.new`]);
    renameSync(`${target}.new`, target);
  } finally {
    rmSync(work, { recursive: true });
  }
}

const compiler = [process.env.CXX, "g++", "clang++", "c++"].filter(Boolean).find(works);
if (!instructionSets || process.platform === "win32") {
  console.log(`@mulde/kernels: no native kernels for ${process.platform}-${process.arch}; WebAssembly will be used`);
} else if (process.env.MULDE_KERNELS === "wasm" || !compiler) {
  rmSync(target, { force: true });
  console.log(
    "@mulde/kernels: no C++ compiler (or MULDE_KERNELS=wasm): WebAssembly will be used, several times slower",
  );
} else {
  build(compiler);
  console.log(`@mulde/kernels: native kernels built with ${compiler}`);
}
