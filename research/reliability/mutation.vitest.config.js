import { fileURLToPath } from "node:url";

export default {
  test: {
    include: [process.env.MULDE_MUTATION_TESTS ?? "test/**/*.test.ts"],
    testTimeout: 60_000,
    // Test files share a worker and load their modules once, which saves a third of the time.
    isolate: false,
    setupFiles: [fileURLToPath(new URL("mutation.setup.js", import.meta.url))],
  },
};
