import { expect, test, vi } from "vitest";
import { engineInfo, logEngine } from "../src/_engine.js";
import { Output } from "../src/_output.js";

const fallback = "the native kernels in /somewhere/mulde.node are of another version: build them again";

vi.mock("@mulde/kge-models", () => ({
  sharedKernels: () => ({ engine: { kind: "wasm", isa: "wasm", threads: 1, fallback } }),
}));

test("the reason for WebAssembly is the one that the kernels give", async () => {
  expect(await engineInfo()).toMatchObject({ kernels: "wasm", threads: 1, reason: fallback });
});

test("everything that computes says first that it is slower, and why, in 80 columns", async () => {
  const lines: string[] = [];
  vi.spyOn(Output.prototype, "log").mockImplementation((text) => void lines.push(...text.split("\n")));
  await logEngine(new Output(false));
  expect(lines[0]).toMatch(/^mulde \S+, kernels: wasm, 1 thread$/);
  expect(lines.slice(1).join(" ")).toBe(`Slower than native kernels: ${fallback}.`);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
});
