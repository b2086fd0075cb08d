// Compilers with sanitizers, and processes that run under them.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { answers } from "../../packages/kernels/scripts/compile.js";

export const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));

/** The kinds of sanitizers: flags, by which every report ends the process, and the library that a process must load first. */
const kinds = {
  address: {
    flags: ["-fno-omit-frame-pointer", "-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all"],
    library: "libasan.so",
  },
  thread: { flags: ["-fsanitize=thread"], library: "libtsan.so" },
};

/** What compiles with sanitizers: flags and libraries for each kind; or why nothing does. */
export function sanitizingCompiler(work) {
  // clang's ThreadSanitizer does not start inside Node.
  const compiler = "g++";
  if (process.platform !== "linux") return "they run on Linux only";
  if (!answers(compiler)) return "there is no g++";
  const file = join(work, "try.cc");
  writeFileSync(file, "int main() { return 0; }\n");
  const path = (name) => execFileSync(compiler, [`-print-file-name=${name}`], { encoding: "utf8" }).trim();
  const tool = { compiler };
  for (const [kind, { flags, library }] of Object.entries(kinds)) {
    // libstdc++ too: Node has its own inside, and without one AddressSanitizer ends at the first exception.
    const preload = [path(library), path("libstdc++.so")];
    const { status } = spawnSync(compiler, [...flags, file, "-o", join(work, "try")]);
    // Where the compiler has no such library it prints the bare name.
    if (status !== 0 || !preload.every((name) => existsSync(name))) return `g++ has no ${library}`;
    tool[kind] = { flags: ["-O1", "-g1", ...flags], preload: preload.join(" ") };
  }
  return tool;
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
      // The quarantine keeps freed memory from being used again; by default it grows to 256 MB. Tests ask for memory that nobody has.
      ASAN_OPTIONS: "detect_leaks=0:quarantine_size_mb=64:allocator_may_return_null=1",
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
