import { defineConfig } from "tsup";
import { base } from "../../tsup.base.js";

// tfjs-core publishes its gradients as source files that Node cannot import, so we bundle them, as an entry of their own.
export default defineConfig({
  ...base,
  entry: ["src/index.ts", "src/browser.ts", "src/_gradients.ts"],
  // Declarations use Symbol.dispose, which consumers' `lib` may lack.
  dts: { entry: "src/index.ts", banner: '/// <reference lib="esnext.disposable" />' },
  noExternal: [/tfjs-core\/dist\/register_all_gradients/],
});
