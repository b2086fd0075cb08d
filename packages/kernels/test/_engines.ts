// Every suite runs on every engine of this machine, with one thread and with two where it has them.
import { afterAll, beforeAll, describe } from "vitest";
import { createKernels } from "../src/index.js";
import type { Kernels, KernelsOptions } from "../src/index.js";

export interface EngineCase {
  readonly name: string;
  readonly options: KernelsOptions;
  /** The numbers of threads to test. */
  readonly threads: readonly number[];
}

const usual = [1, 2];

async function loads(options: KernelsOptions): Promise<Kernels | undefined> {
  return createKernels({ ...options, threads: 1 }).catch(() => undefined);
}

async function find(): Promise<EngineCase[]> {
  const found: EngineCase[] = [];
  const native = await loads({ engine: "native" });
  if (native) found.push({ name: `native ${native.isa}`, options: { engine: "native" }, threads: usual });
  if (native && native.isa !== "avx2" && (await loads({ engine: "native", isa: "avx2" }))) {
    found.push({ name: "native avx2", options: { engine: "native", isa: "avx2" }, threads: usual });
  }
  return [...found, single, { name: "wasm", options: { engine: "wasm" }, threads: usual }];
}

// For hosts without shared memory: its arrays are outside of its memory.
export const single: EngineCase = {
  name: "wasm without shared memory",
  options: { engine: "wasm", wasm: new URL("../wasm/mulde-single.wasm", import.meta.url) },
  threads: [1],
};

/** The engines of this machine; WebAssembly is always two. */
export const engines: readonly EngineCase[] = await find();

/** Declares a suite for each engine and number of threads; `kernels()` is there once a test runs. */
export function onEveryEngine(body: (kernels: () => Kernels) => void): void {
  for (const engine of engines) {
    for (const threads of engine.threads) {
      describe(`on ${engine.name} with ${threads} thread${threads > 1 ? "s" : ""}`, () => {
        let kernels: Kernels | undefined;
        beforeAll(async () => {
          // The native pool is process-wide; the latest call sets its size.
          kernels = await createKernels({ ...engine.options, threads });
        });
        afterAll(() => kernels?.engine.close());
        body(() => kernels!);
      });
    }
  }
}
