import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { readFacts } from "../scripts/facts.js";
import { generate } from "../scripts/generate.js";
import { modules } from "../scripts/wasm-record.js";
import * as generated from "../src/_generated.js";
import { node } from "../src/_node.js";
import { chooseEngine } from "../src/create.js";
import { encoderNames, maxDim, rowStride, type MuldeError } from "../src/index.js";
import { nativeEngine } from "../src/native.js";
import { wasmEngine } from "../src/wasm.js";
import { engines } from "./_engines.js";
import { isHyperbolic, multipleOf, tablesOf, widthOf } from "./_model.js";

const folder = mkdtempSync(join(tmpdir(), "mulde-abi-"));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const spaceless = (text: string) => text.replace(/[\s,"']/g, "");
const failure = (code: string) => expect.objectContaining({ name: "MuldeError", code }) as MuldeError;

/** Writes a stand-in for an addon with a given version number. */
function addon(name: string, abi: number | undefined): string {
  const path = join(folder, `${name}.cjs`);
  writeFileSync(path, `exports.load = () => ({ isa: "avx2", abi: ${String(abi)}, call() {}, address: () => 0 });`);
  return path;
}

describe("src/_generated.ts", () => {
  it.each(modules)("matches the C++ sources in wasm/%s (else run `node scripts/build-wasm.js`)", async (name) => {
    const facts = await readFacts(readFileSync(new URL(`../wasm/${name}`, import.meta.url)));
    expect(generated.abi).toBe(facts.abi);
    // Prettier formats the file after it is written.
    const written = readFileSync(new URL("../src/_generated.ts", import.meta.url), "utf8");
    expect(spaceless(written)).toBe(spaceless(generate(facts)));
  });

  it("agrees with the reference on every encoder", () => {
    for (const name of encoderNames) {
      const { ball, group, part, tables } = generated.encoders[name];
      expect(tables, name).toEqual(tablesOf(name));
      expect(group, name).toBe(multipleOf(name));
      expect((32 / group) * part, name).toBe(widthOf(name, 32));
      expect(ball, name).toBe(isHyperbolic(name));
    }
  });

  it("has the largest dimension and the stride of rows", () => {
    expect(maxDim).toBe(1024);
    expect([1, 16, 17, 1024].map(rowStride)).toEqual([16, 16, 32, 1024]);
  });
});

describe("an addon of another version", () => {
  it.each([
    ["with another number", 1],
    ["with no number", undefined],
  ])("is not used (%s)", async (name, abi) => {
    vi.stubEnv("MULDE_KERNELS", undefined);
    const path = addon(name, abi);
    const engine = nativeEngine(1, "", { path });
    expect(engine).toMatchObject({ code: "KERNELS_VERSION" });
    const host = { ...node, native: () => engine };
    const wasmInstead = await chooseEngine({ threads: 1 }, host);
    expect(wasmInstead.kind).toBe("wasm");
    expect(wasmInstead.fallback).toContain(`the native kernels in ${path} belong to another version`);
    await expect(chooseEngine({ threads: 1, engine: "native" }, host)).rejects.toThrow(failure("KERNELS_VERSION"));
    await expect(chooseEngine({ threads: 1, isa: "avx2" }, host)).rejects.toThrow(/another version/);
  });

  it("is used if its number matches", () => {
    expect(nativeEngine(1, "", { path: addon("right", generated.abi) })).toMatchObject({ kind: "native", isa: "avx2" });
  });

  it("differs from one that does not load", () => {
    expect(nativeEngine(1, "", { path: join(folder, "none.cjs") })).toMatchObject({ code: "KERNELS_NOT_NATIVE" });
    const built = engines[0]!.options.engine === "native";
    expect(nativeEngine(1)).toHaveProperty(built ? "kind" : "code");
  });

  it("gives no reason if you request WebAssembly", async () => {
    const native = () => {
      throw new Error("not to be called");
    };
    const engine = await chooseEngine({ threads: 1, engine: "wasm" }, { ...node, native });
    expect(engine.fallback).toBeUndefined();
  });
});

describe("a WebAssembly module of another version", () => {
  // The smallest modules, with a version number and without.
  const bytes = (abi: boolean) =>
    new Uint8Array([
      ...[0, 97, 115, 109, 1, 0, 0, 0],
      ...(abi ? [1, 5, 1, 96, 0, 1, 127] : []),
      ...(abi ? [3, 2, 1, 0, 7, 7, 1, 3, 97, 98, 105, 0, 0, 10, 6, 1, 4, 0, 65, 7, 11] : []),
    ]);

  it.each([true, false])("is refused (it has a number: %s)", async (abi) => {
    await expect(wasmEngine(node, { threads: 1, wasm: bytes(abi) })).rejects.toThrow(failure("KERNELS_VERSION"));
  });
});
