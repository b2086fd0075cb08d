import type { Options } from "tsup";

/** What every package builds: ES modules with declarations and source maps, dependencies left external. */
export const base: Options = {
  entry: ["src/index.ts"],
  format: ["esm"],
  target: "node20",
  dts: true,
  sourcemap: true,
  clean: true,
};
