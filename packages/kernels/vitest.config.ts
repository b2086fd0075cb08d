import { mergeConfig } from "vitest/config";
import { base } from "../../vitest.base.js";

export default mergeConfig(base, { define: { VERSION: '"0.0.0"' }, test: { coverage: { thresholds: { lines: 90 } } } });
