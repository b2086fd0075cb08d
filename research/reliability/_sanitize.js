// Compilers with sanitizers, and processes that run under them.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { answers } from "../../packages/kernels/scripts/compile.js";

export const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));

/** What each kind of sanitizer is compiled with; every report ends the process. */
const kinds = {
  address: ["-fno-omit-frame-pointer", "-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all"],
  thread: ["-fsanitize=thread"],
};

const processor = { x64: "x86_64", arm64: "aarch64" }[process.arch];

// Names of the libraries, which a process must load first, and what links an addon with them.
const compilers = [
  { compiler: "g++", libraries: { address: "libasan.so", thread: "libtsan.so" }, own: [] },
  {
    compiler: "clang++",
    libraries: {
      address: `libclang_rt.asan-${processor}.so`,
      thread: `libclang_rt.tsan-${processor}.so`,
    },
    own: ["-shared-libsan"],
  },
];

/** The first compiler that can sanitize, with its flags and libraries for each kind; or why there is none. */
export function sanitizingCompiler(work) {
  if (process.platform !== "linux") return "they run on Linux only";
  const file = join(work, "try.cc");
  writeFileSync(file, "int main() { return 0; }\n");
  for (const { compiler, libraries, own } of compilers) {
    if (!answers(compiler)) continue;
    const path = (name) => execFileSync(compiler, [`-print-file-name=${name}`], { encoding: "utf8" }).trim();
    // libstdc++ too: Node has its own inside, and without one AddressSanitizer ends at the first exception.
    const preload = (kind) => [path(libraries[kind]), path("libstdc++.so")];
    const works = (kind) =>
      // Where a compiler has no such library it prints the bare name.
      preload(kind).every((name) => existsSync(name)) &&
      spawnSync(compiler, [...kinds[kind], ...own, file, "-o", join(work, "try")]).status === 0;
    if (!Object.keys(kinds).every(works)) continue;
    const tool = (kind) => ({ flags: ["-O1", "-g1", ...kinds[kind], ...own], preload: preload(kind).join(" ") });
    return { compiler, address: tool("address"), thread: tool("thread") };
  }
  return "neither g++ nor clang++ has them here; on Debian, install g++";
}

/**
 * Runs a process to its end: Node with a sanitized addon in place of the kernels' own, or another program.
 *
 * @returns its exit code (null after ten minutes or a signal) and all it printed
 */
export function start(args, { program = process.execPath, preload, addon, cwd = "." }) {
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
      // Node is not built with ThreadSanitizer, which would report what it does not see Node wait for.
      TSAN_OPTIONS: `halt_on_error=1:ignore_noninstrumented_modules=${addon ? 1 : 0}`,
      ...(addon && {
        LD_PRELOAD: preload,
        NODE_OPTIONS: `--import=${join(here, "_addon.js")}`,
        SANITIZED_ADDON: addon,
      }),
    },
  });
  return { status, output: `${stdout}${stderr}` };
}
