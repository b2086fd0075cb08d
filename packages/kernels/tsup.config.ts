import { defineConfig } from "tsup";
import { base } from "../../tsup.base.js";

// The worker is a separate file: threads of the WebAssembly engine load it by URL. The addon's build writes to dist too, after this one.
// Declarations use Symbol.dispose, which consumers' `lib` may lack.
export default defineConfig({
  ...base,
  entry: ["src/index.ts", "src/_worker.ts"],
  dts: { banner: '/// <reference lib="esnext.disposable" />' },
});
