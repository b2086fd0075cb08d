/** `native` is every instruction set of this machine. */
export type EngineName = "native" | "wasm";

/** What the tests run on. The conformance suite changes it before it loads them. */
export const settings: { engines: readonly EngineName[]; threads: readonly number[] } = {
  engines: ["native", "wasm"],
  threads: [1, 2],
};
