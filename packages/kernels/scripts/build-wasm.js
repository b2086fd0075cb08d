// Rebuilds wasm/mulde.wasm, wasm/mulde-single.wasm and src/_generated.ts from native/. It needs clang++ and wasm-ld with a wasm32 target (Debian: clang lld). Commit
// what it writes.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readFacts } from "./facts.js";
import { generate } from "./generate.js";
import { modules, wasmRecord } from "./wasm-record.js";

const here = fileURLToPath(new URL("..", import.meta.url));
const work = mkdtempSync(join(tmpdir(), "mulde-wasm-"));

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: join(here, "native"), stdio: "inherit" });
  if (error) throw new Error(`${command} does not run (${error.message}): install clang and lld`);
  if (status !== 0) throw new Error(`${command} failed`);
}

/** Compiles native/ and links it into a module of wasm/. */
function build(name, compilerFlags, linkerFlags) {
  const objects = ["kernels", "wasm"].map((unit) => {
    const object = join(work, `${name}-${unit}.o`);
    run("clang++", [
      "--target=wasm32",
      "-O3",
      "-std=c++17",
      "-msimd128",
      "-mbulk-memory",
      "-mmutable-globals",
      ...compilerFlags,
      "-ffreestanding",
      "-fopenmp-simd",
      "-fno-exceptions",
      "-fno-rtti",
      "-fno-threadsafe-statics",
      // memcpy and memset must not be compiled into calls of themselves
      ...(unit === "wasm"
        ? [
            "-fno-builtin",
            "-fno-vectorize",
            "-mllvm",
            "-disable-loop-idiom-memset",
            "-mllvm",
            "-disable-loop-idiom-memcpy",
          ]
        : []),
      "-Wall",
      "-Wextra",
      "-c",
      `${unit}.cc`,
      "-o",
      object,
    ]);
    return object;
  });
  const target = join(here, "wasm", name);
  run("wasm-ld", [
    ...objects,
    "-o",
    target,
    "--no-entry",
    ...linkerFlags,
    // 64 KiB pages up to 4 GiB; the stack of the main instance comes first, so that an overflow traps instead of overwriting data
    "--max-memory=4294967296",
    "-z",
    "stack-size=2097152",
    "--stack-first",
    "--export=__heap_base",
    "--strip-all",
    "-O2",
  ]);
  // The linker makes it executable.
  chmodSync(target, 0o644);
}

try {
  const [shared, single] = modules;
  build(shared, ["-matomics"], ["--import-memory", "--shared-memory", "--export=__stack_pointer"]);
  // For hosts without shared memory: the module has its own.
  build(single, [], []);
  const facts = await readFacts(readFileSync(join(here, "wasm", shared)));
  const generated = join(here, "src", "_generated.ts");
  writeFileSync(generated, generate(facts));
  run("npx", ["prettier", "--write", generated]);
  // A test compares this with the sources and modules, so that nobody forgets to rebuild.
  writeFileSync(join(here, "wasm", "source.sha256"), wasmRecord());
} finally {
  rmSync(work, { recursive: true });
}
