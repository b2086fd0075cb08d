import { defineConfig } from "vitest/config";

/**
 * What every package's test run shares: a JSON report beside the readable one (CI adds the counts up) and coverage of `src`. The packages'
 * floors of coverage are for the usual engine; a run that forces another one leaves code out and has none.
 */
export const base = defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    // Some hooks build or pack; on a busy machine that takes longer than the ten seconds that hooks have otherwise.
    hookTimeout: 60_000,
    reporters: ["default", ["json", { outputFile: "test-results.json" }]],
    coverage: {
      enabled: process.env.MULDE_KERNELS === undefined,
      provider: "v8",
      include: ["src/**"],
      reporter: ["text-summary", "json-summary"],
    },
  },
});
