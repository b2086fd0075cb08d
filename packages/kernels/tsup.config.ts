import { defineConfig } from "tsup";
import { base } from "../../tsup.base.js";

// The worker is a file of its own: threads of the WebAssembly engine load it by URL. The build of the addon writes to dist too, after this.
export default defineConfig({ ...base, entry: ["src/index.ts", "src/_worker.ts"] });
