// The kernels' tests as one function, for hosts on which vitest does not start.
import { createKernels } from "@mulde/kernels";
import { type File, startTests, type Suite, type Test, type VitestRunner } from "@vitest/runner";
import { getFullName, getTests } from "@vitest/runner/utils";
import { tests } from "virtual:tests";
import { type EngineName, settings } from "../test/_settings.js";

export interface RunOptions {
  /** By default all of this host. */
  readonly engines?: readonly EngineName[];
  /** The numbers of threads to test, ascending; 1 and 2 by default. */
  readonly threads?: readonly number[];
  /** Runs every n-th test only. A prime number spreads best over engines and shapes. */
  readonly every?: number;
  /** Called after each test; the next one waits for it. */
  readonly onTest?: (done: number, all: number) => void | Promise<void>;
}

export interface Report {
  /** What createKernels made, one for each instruction set. */
  readonly engines: readonly {
    readonly name: string;
    readonly kind: string;
    readonly isa: string;
    readonly threads: readonly number[];
    /** why it is not native, if that was not asked for */
    readonly fallback?: string;
  }[];
  readonly passed: number;
  readonly failed: number;
  /** outside the sample, or without the engine that they need */
  readonly skipped: number;
  readonly failures: readonly { readonly test: string; readonly message: string }[];
  readonly seconds: number;
}

// Hosts that emulate a processor take minutes for what takes a second elsewhere.
const timeout = 1_200_000;

/** Marks what is not in the sample, and suites in which nothing is left: their hooks would make engines for nothing. */
function sample(files: readonly File[], every: number): void {
  const chosen = getTests([...files]).filter(({ mode }) => mode === "run");
  chosen.forEach((test, i) => {
    if (i % every !== 0) test.mode = "skip";
  });
  const skipIfIdle = (suite: Suite): boolean => {
    const idle = suite.tasks.map((task) => (task.type === "suite" ? skipIfIdle(task) : task.mode === "skip"));
    if (idle.every(Boolean)) suite.mode = "skip";
    return suite.mode === "skip";
  };
  for (const file of files) skipIfIdle(file);
}

const messageOf = (task: File | Suite | Test): string =>
  (task.result?.errors ?? []).map(({ message }) => message).join("\n") || "no message";

/** The errors of a file or suite itself: its import, its hooks. */
function brokenSuites(suite: Suite): (File | Suite)[] {
  const inner = suite.tasks.filter((task) => task.type === "suite").flatMap(brokenSuites);
  return suite.result?.errors?.length ? [suite, ...inner] : inner;
}

/** The engines that the tests run on; all of `wanted` must be there. */
async function enginesOf(wanted: readonly EngineName[]): Promise<Report["engines"]> {
  const { engines } = await import("../test/_engines.js");
  for (const name of wanted) {
    if (!engines.some((engine) => engine.engine === name)) throw new Error(`This host has no ${name} engine.`);
  }
  const described = [];
  for (const { name, options, threads } of engines) {
    const { engine } = await createKernels({ ...options, threads: threads.at(-1)! });
    const { kind, isa, fallback } = engine;
    described.push({ name, kind, isa, threads, ...(fallback !== undefined && { fallback }) });
    await engine.close();
  }
  return described;
}

/**
 * Runs the tests, once in a process: their files are loaded once.
 *
 * @throws Error if an engine that was asked for is not there
 */
export async function run(options: RunOptions = {}): Promise<Report> {
  const { every = 1, onTest } = options;
  settings.engines = options.engines ?? settings.engines;
  settings.threads = options.threads ?? settings.threads;
  const start = performance.now();
  settings.singleWasm = import.meta.resolve("@mulde/kernels/mulde-single.wasm");
  const engines = await enginesOf(options.engines ?? []);
  let all = 0;
  let done = 0;
  const runner: VitestRunner = {
    config: {
      root: "",
      setupFiles: [],
      name: undefined,
      passWithNoTests: true,
      testNamePattern: undefined,
      allowOnly: false,
      sequence: { seed: 1, hooks: "stack", setupFiles: "list" },
      chaiConfig: undefined,
      maxConcurrency: 1,
      testTimeout: timeout,
      hookTimeout: timeout,
      retry: 0,
      includeTaskLocation: false,
      tags: [],
      tagsFilter: undefined,
      strictTags: false,
    },
    importFile: (name) => tests[name]!(),
    onCollected: (files: File[]) => {
      sample(files, every);
      all = getTests(files).filter(({ mode }) => mode === "run").length;
    },
    onTaskFinished: () => onTest?.(++done, all),
  };
  const files = await startTests(Object.keys(tests), runner);
  const cases = getTests(files);
  const failing = [...files.flatMap(brokenSuites), ...cases.filter(({ result }) => result?.state === "fail")];
  const passed = cases.filter(({ result }) => result?.state === "pass").length;
  return {
    engines,
    passed,
    failed: failing.length,
    skipped: cases.filter(({ mode }) => mode !== "run").length,
    failures: failing.map((task) => ({ test: getFullName(task), message: messageOf(task) })),
    seconds: Math.round(performance.now() - start) / 1000,
  };
}
