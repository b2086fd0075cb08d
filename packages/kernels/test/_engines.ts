// Every suite runs on every engine of this machine, with one thread and with two.
import { afterAll, beforeAll, describe } from "vitest";
import { createKernels } from "../src/index.js";
import type { Kernels, KernelsOptions } from "../src/index.js";
import { settings } from "./_settings.js";

export interface EngineCase {
  readonly name: string;
  readonly options: KernelsOptions;
  /** The numbers of threads to test, ascending. */
  readonly threads: readonly number[];
}

async function loads(options: KernelsOptions): Promise<Kernels | undefined> {
  return createKernels({ ...options, threads: 1 }).catch(() => undefined);
}

async function find(): Promise<EngineCase[]> {
  const { engines, threads } = settings;
  const found: EngineCase[] = [];
  const native = engines.includes("native") ? await loads({ engine: "native" }) : undefined;
  if (native) found.push({ name: `native ${native.isa}`, options: { engine: "native" }, threads });
  if (native && native.isa !== "avx2" && (await loads({ engine: "native", isa: "avx2" }))) {
    found.push({ name: "native avx2", options: { engine: "native", isa: "avx2" }, threads });
  }
  if (engines.includes("wasm")) found.push({ name: "wasm", options: { engine: "wasm" }, threads });
  return found;
}

/** The engines of this machine, of those in the settings. */
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
