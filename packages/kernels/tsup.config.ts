import { readFileSync, writeFileSync } from "node:fs";
import { defineConfig } from "tsup";
import { base } from "../../tsup.base.js";
import { webWorker } from "./src/_worker-source.js";

const { version } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8")) as { version: string };

// Declarations use Symbol.dispose, which consumers' `lib` may lack. The addon's build writes to dist too, after this one.
export default defineConfig({
  ...base,
  entry: ["src/index.ts", "src/browser.ts"],
  dts: { entry: "src/index.ts", banner: '/// <reference lib="esnext.disposable" />' },
  define: { VERSION: JSON.stringify(version) },
  onSuccess: () => {
    // The file is started as a module; tools tell one by its exports.
    writeFileSync(new URL("dist/_worker.js", import.meta.url), `${webWorker()}export {};\n`);
    return Promise.resolve();
  },
});
