// Compilers with sanitizers, and processes that run under them.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { answers } from "../../packages/kernels/scripts/compile.js";

export const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));

export const threadFlags = ["-O1", "-g", "-fsanitize=thread"];

/** The flags of AddressSanitizer and UndefinedBehaviorSanitizer: every report ends the process. */
export function addressFlags({ flags }) {
  return [
    "-O1",
    "-g1",
    "-fno-omit-frame-pointer",
    "-fsanitize=address,undefined,float-cast-overflow",
    "-fno-sanitize-recover=all",
    ...flags,
  ];
}

// The library of AddressSanitizer, which a process must load first, and what links an addon with it.
const compilers = [
  { compiler: "g++", library: "libasan.so", flags: [] },
  { compiler: "clang++", library: `libclang_rt.asan-${{ x64: "x86_64", arm64: "aarch64" }[process.arch]}.so`, flags: ["-shared-libasan"] },
];

/** The first compiler that can sanitize, or why there is none. */
export function sanitizingCompiler(work) {
  if (process.platform !== "linux") return "they run on Linux only";
  const file = join(work, "try.cc");
  writeFileSync(file, "int main() { return 0; }\n");
  for (const { compiler, library, flags } of compilers) {
    if (!answers(compiler)) continue;
    const path = (name) => execFileSync(compiler, [`-print-file-name=${name}`], { encoding: "utf8" }).trim();
    // Where a compiler has no such library it prints the bare name.
    const preload = [path(library), path("libstdc++.so")];
    if (!preload.every((name) => existsSync(name))) continue;
    const compiles = ["address,undefined", "thread"].every(
      (which) => spawnSync(compiler, [`-fsanitize=${which}`, file, "-o", join(work, "try")]).status === 0,
    );
    if (compiles) return { compiler, flags, preload: preload.join(" ") };
  }
  return "neither g++ nor clang++ has them here; on Debian, install g++";
}

/**
 * Runs a process to its end: a program, or else Node with the sanitized addon.
 *
 * @returns its exit code (null after ten minutes or a signal) and all it printed
 */
export function start(args, { program = process.execPath, tool, addon, cwd = "." }) {
  const sanitized = addon && {
    // libstdc++ too: Node has its own inside, and without one AddressSanitizer ends at the first exception.
    LD_PRELOAD: tool.preload,
    NODE_OPTIONS: `--import=${join(here, "_addon.js")}`,
    SANITIZED_ADDON: addon,
  };
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: join(root, cwd),
    encoding: "utf8",
    timeout: 600_000,
    maxBuffer: 1 << 28,
    env: {
      ...process.env,
      // The quarantine keeps freed memory from being used again; by default it grows to 256 MB.
      ASAN_OPTIONS: "detect_leaks=0:quarantine_size_mb=64",
      UBSAN_OPTIONS: "print_stacktrace=1",
      TSAN_OPTIONS: "halt_on_error=1",
      ...sanitized,
    },
  });
  return { status, output: `${stdout}${stderr}` };
}
