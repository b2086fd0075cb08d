import { mergeConfig } from "vitest/config";
import { base } from "./vitest.base.js";

// The repository's own tests: the arrows between packages, the examples of the READMEs, what would be published.
export default mergeConfig(base, { test: { coverage: { enabled: false } } });
