import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { afterEach, describe, expect, it, vi } from "vitest";
import { findAddon } from "../src/_addon.js";
import { createKernels } from "../src/index.js";
import type { KernelsOptions, MuldeError } from "../src/index.js";
import { engines } from "./_engines.js";

/** An array's address, from the addon. */
function addressOf(array: ArrayBufferView, threads: number): number {
  const addon = findAddon();
  if (!("path" in addon)) throw new Error(addon.reason);
  interface Loaded {
    readonly address: (array: ArrayBufferView) => number;
  }
  const { load } = createRequire(import.meta.url)(addon.path) as {
    readonly load: (isa: string, threads: number) => Loaded;
  };
  return load("", threads).address(array);
}

const failure = (code: string) => expect.objectContaining({ name: "MuldeError", code }) as MuldeError;

describe("the engines of this machine", () => {
  it("include the native one if a C++ compiler could build it", () => {
    const compilers = [process.env.CXX, "g++", "clang++", "c++"].filter((name) => name !== undefined);
    const compiler = compilers.find((name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0);
    const expected =
      compiler !== undefined && ["x64", "arm64"].includes(process.arch) && process.env.MULDE_KERNELS !== "wasm";
    if (expected) expect(engines[0]!.options.engine).toBe("native");
    expect(engines.at(-1)!.options.engine).toBe("wasm");
  });
});

describe("createKernels", () => {
  afterEach(() => vi.unstubAllEnvs());

  const made = async (options?: KernelsOptions) => {
    const kernels = await createKernels(options);
    await kernels.engine.close();
    return { kind: kernels.kind, isa: kernels.isa, threads: kernels.threads };
  };

  it("uses the first engine that loads, and all cores, by default", async () => {
    vi.stubEnv("MULDE_KERNELS", undefined);
    vi.stubEnv("MULDE_THREADS", undefined);
    const kernels = await made();
    expect(kernels.kind).toBe(engines[0]!.options.engine);
    expect(kernels.threads).toBeGreaterThanOrEqual(1);
  });

  it("follows the environment, but options first", async () => {
    vi.stubEnv("MULDE_KERNELS", "wasm");
    vi.stubEnv("MULDE_THREADS", "2");
    expect(await made()).toEqual({ kind: "wasm", isa: "wasm", threads: 2 });
    expect((await made({ threads: 1 })).threads).toBe(1);
    expect((await made({ engine: engines[0]!.options.engine! })).kind).toBe(engines[0]!.options.engine);
  });

  it.each([
    ["MULDE_KERNELS", "gpu"],
    ["MULDE_THREADS", "0"],
    ["MULDE_THREADS", "two"],
    ["MULDE_THREADS", "1.5"],
    ["MULDE_THREADS", "1000"],
  ])("refuses %s = %s", async (variable, value) => {
    vi.stubEnv(variable, value);
    await expect(createKernels()).rejects.toThrow(failure("KERNELS_BAD_OPTION"));
  });

  it("refuses if you request native kernels and there are none", async () => {
    await expect(createKernels({ engine: "native", isa: "mmx" })).rejects.toThrow(failure("KERNELS_NOT_NATIVE"));
  });
});

it.runIf(engines[0]!.options.engine === "native")("native arrays start on a cache line", async () => {
  for (const threads of [1, 2]) {
    const { engine } = await createKernels({ engine: "native", threads });
    for (const length of [0, 1, 5, 1000, 100_000]) {
      for (const array of [engine.float32(length), engine.int32(length), engine.float64(length)]) {
        expect(addressOf(array, threads) % 64).toBe(0);
        engine.free(array);
      }
    }
  }
});

it("WebAssembly starts its threads in a program on the command line", () => {
  const program = `
    import { createKernels } from "@mulde/kernels";
    const kernels = await createKernels({ engine: "wasm", threads: 2 });
    console.log(kernels.threads);
    await kernels.engine.close();`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    cwd: new URL("..", import.meta.url),
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  expect(stdout).toBe("2\n");
});
