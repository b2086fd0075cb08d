// The kernels under AddressSanitizer and UndefinedBehaviorSanitizer, and under ThreadSanitizer: their own tests, one distillation on every instruction
// set, workers that end in the middle of a call; and their thread pool in a program of its own. Each sanitizer first has to report faults put in
// on purpose.
//
//   node research/reliability/sanitizers.js [--workers 300] [--jobs 100000] [--record]
//
// --workers: how many are terminated under each; --jobs: how many each of the pool's four callers runs. It needs Linux and g++; the exit code is
// 77 without. Leaks are not looked for: V8 frees nothing when the process ends.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compileKernels, compilerFor, linkAddon, run, source } from "../../packages/kernels/scripts/compile.js";
import { nativeInstructionSets } from "./_engines.js";
import { report } from "./_report.js";
import { here, sanitizingCompiler, start } from "./_sanitize.js";

const { values: flags } = parseArgs({
  options: {
    workers: { type: "string", default: "300" },
    jobs: { type: "string", default: "100000" },
    record: { type: "boolean", default: false },
  },
});
const begin = performance.now();
let cases = 0;
let held = 0;

// Faults put into a copy of addon.cc, before every call of a kernel; what must be reported.
const faults = {
  address: {
    "a read past the end of an array": [
      "volatile float past = ((float*)args[3].pointer)[(size_t)args[3].number]; (void)past;",
      /heap-buffer-overflow/,
    ],
    "a read of freed memory": ["volatile char* p = new char[8]; delete[] p; (void)p[0];", /heap-use-after-free/],
    "a signed overflow": ["volatile int most = 2147483647; most = most + given;", /signed integer overflow/],
    "a shift by 32": ["volatile int bits = 32; bits = 1 << bits;", /shift exponent 32 is too large/],
  },
  thread: {
    "chunks of a kernel that race": [
      // Long enough for the pool's threads to wake up.
      "int n = 0; pool.run(200, [](void* p, int) { for (int i = 0; i < 100000; i++) ++*(volatile int*)p; }, &n);",
      /data race/,
    ],
  },
};
const place = "if (table->call(kernel, args, given, &fault)) return nullptr;";

function faulty(statements, file) {
  const text = readFileSync(join(source, "addon.cc"), "utf8");
  if (!text.includes(place)) throw new Error(`addon.cc has no line "${place}" any more: say where faults go instead.`);
  writeFileSync(file, text.replace(place, `${statements} ${place}`));
  return file;
}

function check(name, ok, output) {
  cases++;
  if (ok) held++;
  else console.error(output.slice(-20_000));
  console.error(`${name}: ${ok ? "held" : "FAILED"} (after ${Math.round((performance.now() - begin) / 1000)} s)`);
}

/** A process must end well. */
function checkEnds(name, { status, output }) {
  check(name, status === 0, output);
}

/** A process must end with this sanitizer's report. */
function checkReports(name, { status, output }, pattern) {
  check(
    `reported: ${name}`,
    status !== 0 && pattern.test(output),
    `exit code ${status}, and no ${pattern}:\n${output}`,
  );
}

function vitest(...args) {
  return ["node_modules/vitest/vitest.mjs", "run", "--coverage.enabled=false", "--reporter=default", ...args];
}

/** The addon built with one kind of sanitizer, and Node with it. */
async function addons(tool, kind, work) {
  const directory = join(work, kind);
  mkdirSync(directory);
  const { flags: own, preload } = tool[kind];
  const compiler = compilerFor(tool.compiler);
  const objects = compileKernels(compiler, directory, own);
  const addon = join(directory, "sanitized.node");
  const node = (args, more) => start(args, { preload, addon, ...more });
  for (const [name, [statements, pattern]] of Object.entries(faults[kind])) {
    linkAddon(compiler, objects, addon, own, faulty(statements, join(directory, "faulty.cc")));
    checkReports(name, node([join(here, "_call.js")]), pattern);
    // And that the tests do run on this addon.
    if (kind === "address" && pattern.test("heap-buffer-overflow")) {
      checkReports(`${name}, in the kernels' tests`, node(vitest("test/losses.test.ts"), kernels), pattern);
    }
  }
  linkAddon(compiler, objects, addon, own);
  checkEnds(`${kind}: a call`, node([join(here, "_call.js")]));
  // Not under ThreadSanitizer: vitest has native threads of its own, which are not built with it.
  if (kind === "address") checkEnds(`${kind}: the kernels' tests`, node(vitest(), kernels));
  for (const isa of await nativeInstructionSets()) {
    const setting = JSON.stringify({ engine: "native", isa, threads: 3, epochs: 1 });
    checkEnds(`${kind}: training and distillation on ${isa}`, node([join(here, "_trained.js"), setting]));
  }
  checkEnds(`${kind}: ${flags.workers} workers terminated`, node([join(here, "_terminated.js"), flags.workers]));
}

const kernels = { cwd: "packages/kernels" };

function pool(tool, work) {
  const program = join(work, "pool");
  run([tool.compiler], ["-std=c++17", ...tool.thread.flags, join("test", "pool.cc"), "-o", program, "-pthread"]);
  const jobs = (...args) => start(args, { program });
  checkReports("chunks that race", jobs("1000", "race"), /data race/);
  checkReports("callers that take no turns", jobs("1000", "unlocked"), /data race/);
  checkEnds(`thread: the pool, 4 callers with ${flags.jobs} jobs each`, jobs(flags.jobs));
}

const work = mkdtempSync(join(tmpdir(), "mulde-sanitizers-"));
try {
  const tool = sanitizingCompiler(work);
  if (typeof tool === "string") {
    console.error(`!!! SKIPPED sanitizers: ${tool}`);
    process.exitCode = 77;
  } else {
    await addons(tool, "address", work);
    await addons(tool, "thread", work);
    pool(tool, work);
    await report({ trial: "sanitizers", cases, held, seconds: (performance.now() - begin) / 1000 });
  }
} finally {
  rmSync(work, { recursive: true });
}
