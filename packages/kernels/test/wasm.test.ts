import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { sourceHash } from "../scripts/source-hash.js";

it("wasm/mulde.wasm is built from the sources in native/ (else run `node scripts/build-wasm.js`)", () => {
  const built = readFileSync(new URL("../wasm/source.sha256", import.meta.url), "utf8").trim();
  expect(built).toBe(sourceHash());
});
