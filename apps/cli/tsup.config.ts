import { defineConfig } from "tsup";
import { base } from "../../tsup.base.js";

export default defineConfig({
  ...base, // The fuzzer reads experiments as the command does.
  entry: ["src/main.ts", "src/signals.ts", "src/_experiment-file.ts"],
  dts: false,
});
