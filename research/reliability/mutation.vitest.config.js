import { fileURLToPath } from "node:url";

export default {
  test: {
    include: [process.env.MULDE_MUTATION_TESTS ?? "test/**/*.test.ts"],
    testTimeout: 60_000,
    setupFiles: [fileURLToPath(new URL("mutation.setup.js", import.meta.url))],
  },
};
