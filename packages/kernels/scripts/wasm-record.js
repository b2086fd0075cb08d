// What the modules in wasm/ were built from and what came out, as wasm/source.sha256 records it.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { sourceHash } from "./source-hash.js";

/** The WebAssembly modules: with shared memory, and for one thread. */
export const modules = ["mulde.wasm", "mulde-single.wasm"];

/** One SHA-256 of the sources, and one of each module. */
export function wasmRecord() {
  const built = modules.map((name) => {
    const bytes = readFileSync(new URL(`../wasm/${name}`, import.meta.url));
    return `${createHash("sha256").update(bytes).digest("hex")}  ${name}\n`;
  });
  return `${sourceHash()}  native\n${built.join("")}`;
}
