// What the mutation runs of all packages share. Stryker runs in the package's folder: its sandbox is a copy of that package alone.
import { fileURLToPath } from "node:url";

export default {
  testRunner: "vitest",
  plugins: [import.meta.resolve("@stryker-mutator/vitest-runner")],
  // The packages' own configurations import a file outside the sandbox, measure coverage and write a report.
  vitest: { configFile: fileURLToPath(new URL("mutation.vitest.config.js", import.meta.url)) },
  coverageAnalysis: "perTest",
  ignorePatterns: ["dist", "coverage", "native", "wasm", "runs", ".turbo", ".readme"],
  reporters: ["progress-append-only", "json"],
  jsonReporter: { fileName: "reports/mutation.json" },
  // A mutant that waits for ever is found in ten seconds; one that is only slow, on a busy machine, is not taken for it.
  timeoutMS: 10_000,
  timeoutFactor: 3,
  concurrency: 1,
  cleanTempDir: "always",
  allowConsoleColors: false,
};
