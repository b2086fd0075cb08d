import { loadTf, tfBackend, type TfBackend } from "../src/index.js";

// The suites below choose the engine themselves.
delete process.env.MULDE_TFJS;

/** cpu and WASM always, and tfjs-node where it is installed and loads. */
export const backends: TfBackend[] = ["cpu", "wasm"];

await loadTf("node");
if (tfBackend()!.backend === "node") backends.push("node");
