// What createKernels does in pages, edge runtimes and bundles. Workers and fetch are stand-ins here; Chromium runs the real ones (.ci).
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Host } from "../src/_host.js";
import { node } from "../src/_node.js";
import { webWorker } from "../src/_worker-source.js";
import * as browser from "../src/browser.js";
import { chooseEngine } from "../src/create.js";
import * as index from "../src/index.js";
import type { Engine, KernelsOptions, MuldeError } from "../src/index.js";

const file = (name: string) => new URL(`../wasm/${name}`, import.meta.url);
const bytes = { shared: readFileSync(file("mulde.wasm")), single: readFileSync(file("mulde-single.wasm")) };
const failure = (code: string, message: RegExp | string = "") =>
  expect.objectContaining({
    name: "MuldeError",
    code,
    message: expect.stringMatching(message) as string,
  }) as MuldeError;

afterEach(() => {
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
  vi.resetModules();
});

/** What an engine is like, and that it computes. It is closed. */
async function look(engine: Engine): Promise<{ threads: number; shared: boolean }> {
  const sum = engine.float32(3).fill(1);
  engine.call("addRows", [1, 3, Int32Array.of(0), Float32Array.of(1, 2, 3), sum]);
  expect([...sum]).toEqual([2, 3, 4]);
  await engine.close();
  return { threads: engine.threads, shared: sum.buffer instanceof SharedArrayBuffer };
}

const inNode = async (options: KernelsOptions) =>
  look((await index.createKernels({ engine: "wasm", ...options })).engine);

/** A host whose memory cannot be shared at all. */
function withoutSharedMemory(): void {
  const { Memory } = WebAssembly;
  vi.stubGlobal("WebAssembly", {
    ...Object.fromEntries(
      Object.getOwnPropertyNames(WebAssembly).map((name) => [name, Reflect.get(WebAssembly, name)]),
    ),
    Memory: function (descriptor: WebAssembly.MemoryDescriptor) {
      if (descriptor.shared) throw new TypeError("no shared memory");
      return new Memory(descriptor);
    },
  });
}

describe("the entry for browsers", () => {
  it("exports the same names as the one for Node.js", () => {
    expect(Object.keys(browser).sort()).toEqual(Object.keys(index).sort());
  });

  it("needs @mulde/errors and no module of Node.js", () => {
    const seen = new Set(["browser.js"]);
    const others = new Set<string>();
    for (const name of seen) {
      const text = readFileSync(fileURLToPath(new URL(`../dist/${name}`, import.meta.url)), "utf8");
      expect(text, name).not.toContain("node:");
      for (const [, , wanted] of text.matchAll(/\b(from|import)\s*\(?\s*"([^"\n]+)"/g)) {
        if (wanted!.startsWith("./")) seen.add(wanted!.slice(2));
        else others.add(wanted!);
      }
    }
    expect(seen.size).toBeGreaterThan(1);
    expect([...others]).toEqual(["@mulde/errors"]);
  });

  it("brings the script of its threads as a file too", () => {
    expect(readFileSync(new URL("../dist/_worker.js", import.meta.url), "utf8")).toBe(`${webWorker()}export {};\n`);
  });
});

describe("the option wasm", () => {
  it.each<[string, () => KernelsOptions["wasm"]]>([
    ["bytes", () => bytes.shared],
    ["a buffer", () => Uint8Array.from(bytes.shared).buffer],
    ["a compiled module", () => new WebAssembly.Module(bytes.shared)],
    ["a response", () => new Response(bytes.shared)],
    ["a file's URL", () => file("mulde.wasm")],
    ["a URL as text", () => file("mulde.wasm").href],
    ["a path", () => fileURLToPath(file("mulde.wasm"))],
    ["a URL with its data", () => `data:application/wasm;base64,${bytes.shared.toString("base64")}`],
  ])("takes %s", async (_, wasm) => {
    expect(await inNode({ threads: 2, wasm: wasm()! })).toEqual({ threads: 2, shared: true });
  });

  it("finds out by itself whether a module is the one for one thread", async () => {
    for (const wasm of [bytes.single, new WebAssembly.Module(bytes.single)]) {
      expect(await inNode({ wasm })).toEqual({ threads: 1, shared: false });
    }
    await expect(inNode({ threads: 2, wasm: bytes.single })).rejects.toThrow(
      failure("KERNELS_NO_THREADS", /^threads: 2 threads cannot run here: this WebAssembly module is made for one/),
    );
  });

  it.each<[string, () => unknown, RegExp]>([
    ["a file that is not there", () => file("none.wasm"), /none\.wasm \(ENOENT/],
    ["a page in its place", () => new Response("<!doctype html>"), /magic word/],
    ["an answer that is none", () => new Response("", { status: 404 }), /\(status 404\)/],
    ["something else", () => 7, /Does not load/],
  ])("refuses %s by its name", async (_, wasm, message) => {
    const refused = index.createKernels({ engine: "wasm", wasm: wasm() as URL });
    await expect(refused).rejects.toThrow(
      failure("KERNELS_NO_WASM", /^wasm: Does not load.*@mulde\/kernels\/mulde\.wasm/),
    );
    await expect(refused).rejects.toThrow(message);
  });

  it("refuses a module that is none of ours", async () => {
    const foreign = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 2, 8, 1, 1, 97, 1, 98, 3, 127, 0]);
    await expect(index.createKernels({ engine: "wasm", wasm: foreign })).rejects.toThrow(failure("KERNELS_VERSION"));
  });
});

it("a bundle that left the WebAssembly file behind says what to do", async () => {
  const lost: Host = { ...node, read: () => Promise.reject(new Error("ENOENT")) };
  await expect(chooseEngine({ engine: "wasm" }, lost)).rejects.toThrow(
    failure(
      "KERNELS_NO_WASM",
      /^The WebAssembly kernels do not load from file:.*mulde\.wasm \(ENOENT\)\. .* mark it as external, or pass .* createKernels\({ wasm }\)\.$/,
    ),
  );
});

describe("threads that do not start", () => {
  const broken: Host = { ...node, cores: () => 4, startThread: () => Promise.reject(new Error("not allowed")) };

  it("are done without by default", async () => {
    vi.stubEnv("MULDE_THREADS", undefined);
    expect(await look(await chooseEngine({ engine: "wasm" }, broken))).toEqual({ threads: 1, shared: true });
  });

  it("are an error if they were asked for, and those that started end", async () => {
    let [started, ended] = [0, 0];
    const half: Host = {
      ...broken,
      startThread: () => {
        if (++started > 2) return Promise.reject(new Error("not allowed"));
        const end = (): Promise<void> => {
          ended++;
          return Promise.resolve();
        };
        return Promise.resolve({ end });
      },
    };
    const refused = chooseEngine({ engine: "wasm", threads: 4 }, half);
    await expect(refused).rejects.toThrow(
      failure("KERNELS_NO_THREADS", /^threads: 4 threads cannot run here: a worker does not start \(not allowed\)\. /),
    );
    expect([started, ended]).toEqual([3, 2]);
  });
});

/** A page: its fetch, its workers, and whether it is isolated. `works` says which scripts of workers are there. */
function page({ isolated = true, works = (_script: string): boolean => true } = {}) {
  const fetched: string[] = [];
  const scripts: string[] = [];
  class Worker {
    onmessage?: (event: { data: unknown }) => void;
    onerror?: (event: object) => void;
    readonly script: string;
    constructor(script: URL | string) {
      this.script = String(script)
        .replace(/^blob:.*/, "blob")
        .replace(/^.*\//, "");
      scripts.push(this.script);
    }
    postMessage(): void {
      const answer = () =>
        works(this.script)
          ? this.onmessage?.({ data: "ready" })
          : this.onerror?.({ message: "", preventDefault: () => undefined });
      setImmediate(answer);
    }
    terminate(): void {
      scripts.push("ended");
    }
  }
  vi.stubGlobal("Worker", Worker);
  vi.stubGlobal("navigator", { hardwareConcurrency: 3 });
  vi.stubGlobal("crossOriginIsolated", isolated);
  vi.stubGlobal("fetch", (url: URL) => {
    const name = url.pathname.replace(/^.*\//, "");
    fetched.push(name);
    return Promise.resolve(new Response(readFileSync(file(name))));
  });
  return { fetched, scripts };
}

/** The entry as a page that was just opened has it. */
const createKernels = async (options: KernelsOptions = {}) =>
  look((await (await import("../src/browser.js")).createKernels(options)).engine);

describe("a page", () => {
  it("that is isolated runs a thread for each core, from the file of this package", async () => {
    const { fetched, scripts } = page();
    expect(await createKernels()).toEqual({ threads: 3, shared: true });
    expect(fetched).toEqual(["mulde.wasm"]);
    expect(scripts).toEqual(["_worker.js", "_worker.js", "ended", "ended"]);
  });

  it("starts threads from text if a bundler left the file behind, and asks for it once", async () => {
    const { scripts } = page({ works: (script) => script === "blob" });
    expect((await createKernels()).threads).toBe(3);
    expect(scripts).toEqual(["_worker.js", "ended", "blob", "blob", "ended", "ended"]);
  });

  it("takes the script of its threads, or a function that starts one", async () => {
    const { scripts } = page({ works: (script) => script === "mine.js" });
    const places = [new URL("https://mulde.test/mine.js"), "/mine.js", () => new Worker("/mine.js")];
    for (const worker of places) expect((await createKernels({ threads: 2, worker })).threads).toBe(2);
    expect(new Set(scripts)).toEqual(new Set(["mine.js", "ended"]));
    await expect(createKernels({ threads: 2, worker: "/none.js" })).rejects.toThrow(
      failure("KERNELS_NO_THREADS", /a worker does not start \(its script does not load; give .*worker\.js/),
    );
  });

  it("that is not isolated starts no worker, and says why if some were asked for", async () => {
    const { scripts } = page({ isolated: false });
    expect(await createKernels()).toEqual({ threads: 1, shared: true });
    await expect(createKernels({ threads: 2 })).rejects.toThrow(
      failure(
        "KERNELS_NO_THREADS",
        /not cross-origin isolated; serve it with .*Cross-Origin-Embedder-Policy: require-corp/,
      ),
    );
    expect(scripts).toEqual([]);
  });

  it("without shared memory takes the module for one thread", async () => {
    const { fetched, scripts } = page({ isolated: false });
    withoutSharedMemory();
    expect(await createKernels()).toEqual({ threads: 1, shared: false });
    expect(fetched).toEqual(["mulde-single.wasm"]);
    await expect(createKernels({ wasm: bytes.shared })).rejects.toThrow(
      failure("KERNELS_NO_SHARED_MEMORY", /pass @mulde\/kernels\/mulde-single\.wasm/),
    );
    expect(scripts).toEqual([]);
  });

  it("has no native kernels", async () => {
    page();
    await expect(createKernels({ engine: "native" })).rejects.toThrow(failure("KERNELS_NOT_NATIVE"));
  });

  it("that is an edge runtime has no workers and no navigator", async () => {
    page();
    vi.stubGlobal("Worker", undefined);
    vi.stubGlobal("navigator", undefined);
    expect(await createKernels({ wasm: new WebAssembly.Module(bytes.single) })).toEqual({ threads: 1, shared: false });
    await expect(createKernels({ threads: 2 })).rejects.toThrow(
      failure("KERNELS_NO_THREADS", "this host has no workers"),
    );
  });
});

it("a module that is evaluated again, as development servers do, is no second copy", async () => {
  page();
  const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  const before = await import("../src/browser.js");
  await createKernels({ threads: 1 });
  vi.resetModules();
  await createKernels({ threads: 1 });
  expect((await import("../src/browser.js")).Kernels).not.toBe(before.Kernels);
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
});

describe("arrays outside of the memory of WebAssembly", () => {
  it("outlive its growth, and so do arrays inside where growth keeps views", async () => {
    const { Memory } = WebAssembly;
    // A stand-in for browsers that have it: Node 24 has none. Growth is not tried with it.
    const toResizableBuffer = vi.fn();
    for (const keeps of [false, true]) {
      if (keeps) Object.assign(Memory.prototype, { toResizableBuffer });
      else Reflect.deleteProperty(Memory.prototype, "toResizableBuffer");
      const { engine } = await index.createKernels({ engine: "wasm", wasm: bytes.single });
      const early = engine.float32(1000).fill(7);
      expect(early.byteOffset > 0).toBe(keeps);
      if (keeps) continue;
      const large = new Float32Array(6_000_000);
      engine.call("addRows", [1, 1000, Int32Array.of(0), early, large]);
      expect([early.length, early[999], large[999]]).toEqual([1000, 7, 7]);
    }
    Reflect.deleteProperty(Memory.prototype, "toResizableBuffer");
    expect(toResizableBuffer).toHaveBeenCalledOnce();
  });
});
