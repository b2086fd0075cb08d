import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { mulde, muldeJson } from "./_cli.js";

test("info names the engines, and nothing else is on stdout", async () => {
  const info = await muldeJson<Record<string, unknown>>(["info"], {});
  expect(info).toMatchObject({
    kernels: expect.stringMatching(/^(native \((avx512|avx2|neon)\)|wasm)$/) as string,
    threads: 1,
    cores: availableParallelism(),
    tfjs: expect.stringMatching(/^(node|wasm|cpu)$/) as string,
    node: process.version,
    version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
  });
});

test("info says why there are no native kernels", async () => {
  const info = await muldeJson<Record<string, unknown>>(["info"], {
    env: { MULDE_KERNELS: "wasm", MULDE_THREADS: "2" },
  });
  expect(info).toMatchObject({
    kernels: "wasm",
    threads: 2,
    kernelsReason: "WebAssembly was asked for (MULDE_KERNELS=wasm)",
  });
});

test("info warns if there are more threads than cores", async () => {
  const cores = availableParallelism();
  const env = { MULDE_THREADS: String(cores + 1) };
  const { warning } = await muldeJson<{ warning: string }>(["info"], { env });
  expect(warning).toContain(`${cores + 1} threads on ${cores} core`);
  expect(warning).toContain(`MULDE_THREADS=${cores}`);
  expect(await muldeJson(["info"])).not.toHaveProperty("warning");
});

test("info tells people the same in 80 columns", async () => {
  const { stdout } = await mulde(["info"], { env: { MULDE_KERNELS: "wasm" } });
  expect(stdout).toMatch(/^kernels +wasm\nkernelsReason +WebAssembly was asked for/);
  for (const line of stdout.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
});

test("a setting that is not understood is one clear error", async () => {
  const { code, stderr } = await mulde(["info"], { env: { MULDE_KERNELS: "gpu" } });
  expect(code).toBe(1);
  expect(stderr).toContain(
    'engine: "gpu" must be native or wasm (option `engine` or environment variable MULDE_KERNELS).',
  );
});
