import type { Options } from "tsup";

/** What every package builds: ES modules with declarations, readable and so without source maps, dependencies left external. */
export const base: Options = {
  entry: ["src/index.ts"],
  format: ["esm"],
  target: "node20",
  dts: true,
  // "fs" without its prefix is a package to Deno and to bundlers.
  removeNodeProtocol: false,
  clean: true,
};
