import { createRequire } from "node:module";
import util from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type * as tfjs from "@tensorflow/tfjs-core";
import type * as Module from "../src/tf.js";
import type { TfBackend } from "../src/index.js";
import { backends } from "./_backends.js";
import { whole } from "./_tfjs.js";

describe("loadTf", () => {
  let loadTf: (preferred?: TfBackend) => Promise<typeof tfjs>;
  let tfBackend: typeof Module.tfBackend;

  // A fresh module each time, as in a new process; tfjs-core itself is one instance for all.
  beforeEach(async () => {
    vi.resetModules();
    const module = await import("../src/tf.js");
    tfBackend = module.tfBackend;
    loadTf = async (preferred) => whole(await module.loadTf(preferred));
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });

  it("chooses tfjs-node when it loads, else WASM, and tells which and why", async () => {
    expect(tfBackend()).toBeUndefined();
    const tf = await loadTf();
    if (backends.includes("node")) {
      expect(tfBackend()).toEqual({ backend: "node", skipped: {} });
      expect(tf.getBackend()).toBe("tensorflow");
    } else {
      expect(tfBackend()).toMatchObject({ backend: "wasm" });
      expect(tfBackend()!.skipped.node).not.toBe("");
      expect(Object.keys(tfBackend()!.skipped)).toEqual(["node"]);
      expect(tf.getBackend()).toBe("wasm");
    }
  });

  it.each(backends)("computes and differentiates on %s when it is preferred", async (backend) => {
    const tf = await loadTf(backend);
    expect(tfBackend()!.backend).toBe(backend);
    tf.tidy(() => {
      const gradient = tf.grad((x) => tf.sum(tf.mul(x, tf.tanh(x))))(tf.tensor1d([0, 1]));
      const expected = [0, Math.tanh(1) + 1 - Math.tanh(1) ** 2];
      gradient.dataSync().forEach((x, i) => expect(x).toBeCloseTo(expected[i]!, 6));
    });
  });

  it("is memoised: the same module, and the engine chosen before, unless another is named", async () => {
    const [first, second] = await Promise.all([loadTf("cpu"), loadTf()]);
    expect(second).toBe(first);
    expect(tfBackend()!.backend).toBe("cpu");
    expect(await loadTf("wasm")).toBe(first);
    expect(tfBackend()!.backend).toBe("wasm");
  });

  it.each(["cpu", "wasm"] as const)("MULDE_TFJS=%s overrides the preference", async (forced) => {
    vi.stubEnv("MULDE_TFJS", forced);
    const tf = await loadTf(forced === "cpu" ? "wasm" : "cpu");
    expect(tf.getBackend()).toBe(forced);
    expect(tfBackend()).toEqual({ backend: forced, skipped: {} });
  });

  it("refuses a MULDE_TFJS or a preference that is none of the three", async () => {
    await expect(loadTf("webgl" as "cpu")).rejects.toMatchObject({ code: "TFJS_UNKNOWN_BACKEND" });
    vi.stubEnv("MULDE_TFJS", "gpu");
    await expect(loadTf()).rejects.toMatchObject({
      name: "MuldeError",
      code: "TFJS_UNKNOWN_BACKEND",
      message: 'MULDE_TFJS is "gpu"; it must be one of node, wasm, cpu.',
    });
  });

  it("goes on to WASM without a word when tfjs-node is unbuilt, and says why when it is forced", async () => {
    vi.doMock("@tensorflow/tfjs-node", () => {
      throw new Error("native addon not found");
    });
    try {
      await loadTf();
      expect(tfBackend()).toMatchObject({ backend: "wasm" });
      expect(tfBackend()!.skipped.node).toMatch(/./);
      vi.stubEnv("MULDE_TFJS", "node");
      await expect(loadTf()).rejects.toMatchObject({ code: "TFJS_UNAVAILABLE" });
      await expect(loadTf()).rejects.toThrow(
        /^MULDE_TFJS=node asks .* does not load \(node: .+\); install it or unset MULDE_TFJS\.$/,
      );
      // The refusal changed nothing.
      expect(tfBackend()!.backend).toBe("wasm");
    } finally {
      vi.doUnmock("@tensorflow/tfjs-node");
    }
  });

  it("restores what Node 23 took out of node:util before tfjs-node loads", async () => {
    const module = util as unknown as Record<string, unknown>;
    const kept = { isArray: module.isArray, isNullOrUndefined: module.isNullOrUndefined };
    try {
      delete module.isArray;
      delete module.isNullOrUndefined;
      await loadTf("node");
      const isNullOrUndefined = module.isNullOrUndefined as (value: unknown) => boolean;
      expect([null, undefined, 0, ""].map(isNullOrUndefined)).toEqual([true, true, false, false]);
      expect(module.isArray).toBe(Array.isArray);
    } finally {
      Object.assign(module, kept);
    }
  });

  it.each(backends)("prints nothing on %s", async (backend) => {
    const written = [vi.spyOn(process.stdout, "write"), vi.spyOn(console, "log"), vi.spyOn(console, "warn")];
    const tf = await loadTf(backend);
    tf.tidy(() => tf.square(tf.tensor1d([1, 2])).dataSync());
    for (const spy of written) expect(spy).not.toHaveBeenCalled();
  });

  // Without Node's own modules, as in a page, and with a tfjs-core of its own.
  describe("in a page", () => {
    let core: typeof tfjs;
    beforeEach(async () => {
      vi.stubGlobal("process", Object.assign(Object.create(process) as object, { getBuiltinModule: undefined }));
      core = await import("@tensorflow/tfjs-core");
    });
    afterEach(() => {
      vi.unstubAllGlobals();
    });

    it("takes the engine that the page registered", async () => {
      vi.spyOn(core.engine(), "backendNames").mockReturnValue(["wasm"]);
      await core.setBackend("wasm");
      const warned = vi.spyOn(console, "warn");
      expect((await loadTf()).getBackend()).toBe("wasm");
      expect(tfBackend()).toEqual({ backend: "wasm", skipped: {} });
      expect(warned).not.toHaveBeenCalled();
    });

    it("takes the cpu where there is none, also in place of WASM that was not registered", async () => {
      const names = vi.spyOn(core.engine(), "backendNames").mockReturnValue([]);
      expect((await loadTf()).getBackend()).toBe("cpu");
      expect(tfBackend()).toEqual({ backend: "cpu", skipped: {} });
      expect((await loadTf("wasm")).getBackend()).toBe("cpu");
      expect(tfBackend()).toEqual({
        backend: "cpu",
        skipped: { wasm: "in a page, import @tensorflow/tfjs-backend-wasm and call its setWasmPaths first" },
      });
      // Registered later, it runs.
      names.mockReturnValue(["wasm"]);
      expect((await loadTf("wasm")).getBackend()).toBe("wasm");
      expect(tfBackend()).toEqual({ backend: "wasm", skipped: {} });
    });
  });

  it("shares one tfjs-core with tfjs-node", () => {
    const here = createRequire(import.meta.url);
    const node = createRequire(here.resolve("@tensorflow/tfjs-node/package.json"));
    const tfjs = createRequire(node.resolve("@tensorflow/tfjs"));
    for (const user of [tfjs, createRequire(here.resolve("@tensorflow/tfjs-backend-wasm"))]) {
      expect(user.resolve("@tensorflow/tfjs-core")).toBe(here.resolve("@tensorflow/tfjs-core"));
    }
  });
});
