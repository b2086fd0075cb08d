import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { wasmRecord } from "../scripts/wasm-record.js";

it("the modules in wasm/ are built from the sources in native/ (else run `node scripts/build-wasm.js`)", () => {
  const built = readFileSync(new URL("../wasm/source.sha256", import.meta.url), "utf8");
  expect(built).toBe(wasmRecord());
});
