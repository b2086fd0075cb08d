// The kernels under AddressSanitizer and UndefinedBehaviorSanitizer (their own tests, one distillation on every instruction set, workers that end
// in the middle of a call) and their thread pool under ThreadSanitizer. Each sanitizer first has to report faults put in on purpose.
//
//   node research/reliability/sanitizers.js [--workers 300] [--jobs 100000] [--record]
//
// --workers: how many are terminated; --jobs: how many each of the pool's four callers runs. It needs Linux and g++ or clang++ with its
// sanitizers. Leaks are not looked for: V8 frees nothing when the process ends.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createKernels } from "@mulde/kernels";
import { compileKernels, linkAddon, run, source } from "../../packages/kernels/scripts/compile.js";
import { report } from "./_report.js";
import { addressFlags, here, sanitizingCompiler, start, threadFlags } from "./_sanitize.js";

const { values: flags } = parseArgs({
  options: {
    workers: { type: "string", default: "300" },
    jobs: { type: "string", default: "100000" },
    record: { type: "boolean", default: false },
  },
});
const begin = performance.now();
const work = mkdtempSync(join(tmpdir(), "mulde-sanitizers-"));
let cases = 0;
let held = 0;

function check(name, ok, output = "") {
  cases++;
  if (ok) held++;
  else console.error(output);
  console.error(`${name}: ${ok ? "held" : "FAILED"} (after ${Math.round((performance.now() - begin) / 1000)} s)`);
}

/** A process must end well: with code 0, within ten minutes. */
function checkEnds(name, { status, output }) {
  check(name, status === 0, output.slice(-20_000));
}

/** A process must end with this sanitizer's report. */
function checkReports(name, { status, output }, pattern) {
  check(name, status !== 0 && pattern.test(output), `exit code ${status}, and no report like ${pattern}:\n${output}`);
}

// Faults put into a copy of addon.cc, at every call of a kernel.
const faults = {
  "a read past the end of an array": ["volatile float past = ((float*)args[3].pointer)[(size_t)args[3].number]; (void)past;", /heap-buffer-overflow/],
  "a read of freed memory": ["volatile char* p = new char[8]; delete[] p; (void)p[0];", /heap-use-after-free/],
  "a signed overflow": ["volatile int most = 2147483647; most = most + given;", /signed integer overflow/],
  "a shift by 32": ["volatile int bits = 32; bits = 1 << bits;", /shift exponent 32 is too large/],
};
const place = "if (table->call(kernel, args, given, &fault)) return nullptr;";

function faulty(statements) {
  const text = readFileSync(join(source, "addon.cc"), "utf8");
  if (!text.includes(place)) throw new Error(`addon.cc has no line "${place}" any more: say where faults go instead.`);
  const file = join(work, "faulty.cc");
  writeFileSync(file, text.replace(place, `${statements} ${place}`));
  return file;
}

/** The instruction sets that the built addon has here. */
async function instructionSets() {
  const found = [];
  for (const isa of ["avx512", "avx2", "neon"]) {
    const kernels = await createKernels({ engine: "native", isa, threads: 1 }).catch(() => undefined);
    if (kernels) found.push(isa);
  }
  return found;
}

async function underAddressSanitizer(tool) {
  const objects = compileKernels(tool.compiler, work, addressFlags(tool));
  const addon = join(work, "sanitized.node");
  const preload = { tool, addon };
  for (const [name, [statements, pattern]] of Object.entries(faults)) {
    linkAddon(tool.compiler, objects, addon, addressFlags(tool), faulty(statements));
    checkReports(`reported: ${name}`, start([join(here, "_call.js")], preload), pattern);
  }
  linkAddon(tool.compiler, objects, addon, addressFlags(tool));
  checkEnds("a call without faults", start([join(here, "_call.js")], preload));

  const suite = ["node_modules/vitest/vitest.mjs", "run", "--coverage.enabled=false", "--reporter=default"];
  checkEnds("the kernels' tests", start(suite, { ...preload, cwd: "packages/kernels" }));
  for (const isa of await instructionSets()) {
    const setting = JSON.stringify({ engine: "native", isa, threads: 3, epochs: 1 });
    checkEnds(`training and distillation on ${isa}`, start([join(here, "_trained.js"), setting], preload));
  }
  checkEnds(`${flags.workers} workers terminated`, start([join(here, "_terminated.js"), flags.workers], preload));
}

function underThreadSanitizer({ compiler }) {
  const program = join(work, "pool");
  run(compiler, ["-std=c++17", ...threadFlags, join("test", "pool.cc"), "-o", program, "-pthread"]);
  const pool = (...args) => start(args, { program });
  checkReports("reported: chunks that race", pool("1000", "race"), /data race/);
  checkReports("reported: callers that take no turns", pool("1000", "unlocked"), /data race/);
  checkEnds(`the pool, 4 callers with ${flags.jobs} jobs each`, pool(flags.jobs));
}

try {
  const tool = sanitizingCompiler(work);
  if (typeof tool === "string") {
    console.error(`!!! SKIPPED sanitizers: ${tool}`);
    process.exitCode = 77;
  } else {
    await underAddressSanitizer(tool);
    underThreadSanitizer(tool);
    await report({ trial: "sanitizers", cases, held, seconds: (performance.now() - begin) / 1000 });
  }
} finally {
  rmSync(work, { recursive: true });
}
