// What wasm/mulde.wasm was built from, as one SHA-256 over the names and contents of native/*.h and *.cc
// that it includes.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

// What only the addon is made of.
const addon = ["addon.cc", "cpu.h", "pool.h", "threads.h"];
const native = fileURLToPath(new URL("../native", import.meta.url));

export function sourceHash() {
  const hash = createHash("sha256");
  for (const name of readdirSync(native)
    .filter((file) => /\.(h|cc)$/.test(file) && !addon.includes(file))
    .sort()) {
    // line ends as in the repository, whatever the checkout made of them
    const text = readFileSync(join(native, name), "utf8").replaceAll("\r\n", "\n");
    hash.update(`${name}\n${text.length}\n${text}`);
  }
  return hash.digest("hex");
}
