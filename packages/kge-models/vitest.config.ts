import { mergeConfig } from "vitest/config";
import { base } from "../../vitest.base.js";

export default mergeConfig(base, {
  test: {
    coverage: { thresholds: { lines: 90 } },
    // Vite must resolve the source files of tfjs-core that tsup bundles.
    server: { deps: { inline: [/tfjs-core\/dist\/(?!tf-core)/] } },
  },
});
