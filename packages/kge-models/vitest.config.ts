import { mergeConfig } from "vitest/config";
import { base } from "../../vitest.base.js";

// The same source files of tfjs-core that tsup bundles have to be resolved by Vite here.
export default mergeConfig(base, { test: { server: { deps: { inline: [/tfjs-core\/dist\/(?!tf-core)/] } } } });
