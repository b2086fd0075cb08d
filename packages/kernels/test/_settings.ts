/** `native` is every instruction set of this machine; `single` is WebAssembly without shared memory. */
export type EngineName = "native" | "wasm" | "single";

/** What the tests run on. The conformance suite changes it before it loads them. */
export const settings: { engines: readonly EngineName[]; threads: readonly number[]; singleWasm: URL | string } = {
  engines: ["native", "single", "wasm"],
  threads: [1, 2],
  singleWasm: new URL("../wasm/mulde-single.wasm", import.meta.url),
};
