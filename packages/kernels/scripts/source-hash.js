// What the modules in wasm/ were built from and what came out, as wasm/source.sha256 records it.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join } from "node:path";

const folder = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

/** The WebAssembly modules: with shared memory, and for one thread. */
export const modules = ["mulde.wasm", "mulde-single.wasm"];

/** One SHA-256 over the names and contents of native/*.h and *.cc, and one for each module. */
export function wasmRecord() {
  const source = createHash("sha256");
  for (const name of readdirSync(folder("native"))
    .filter((file) => /\.(h|cc)$/.test(file))
    .sort()) {
    // line ends as in the repository, whatever the checkout made of them
    const text = readFileSync(join(folder("native"), name), "utf8").replaceAll("\r\n", "\n");
    source.update(`${name}\n${text.length}\n${text}`);
  }
  const built = modules.map((name) => {
    const bytes = readFileSync(join(folder("wasm"), name));
    return `${createHash("sha256").update(bytes).digest("hex")}  ${name}\n`;
  });
  return `${source.digest("hex")}  native\n${built.join("")}`;
}
