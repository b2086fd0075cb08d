// Every suite runs on every engine of this machine, with one thread and with two where it has them.
import { afterAll, beforeAll, describe } from "vitest";
import { createKernels } from "../src/index.js";
import type { Kernels, KernelsOptions } from "../src/index.js";
import { type EngineName, settings } from "./_settings.js";

export interface EngineCase {
  readonly engine: EngineName;
  readonly name: string;
  readonly options: KernelsOptions;
  /** The numbers of threads to test, ascending. */
  readonly threads: readonly number[];
}

async function loads(options: KernelsOptions): Promise<Kernels | undefined> {
  return createKernels({ ...options, threads: 1 }).catch(() => undefined);
}

async function findNative(): Promise<EngineCase[]> {
  const { engines, threads } = settings;
  const widest = engines.includes("native") ? await loads({ engine: "native" }) : undefined;
  if (!widest) return [];
  const found: EngineCase[] = [
    { engine: "native", name: `native ${widest.isa}`, options: { engine: "native" }, threads },
  ];
  if (widest.isa !== "avx2" && (await loads({ engine: "native", isa: "avx2" }))) {
    found.push({ engine: "native", name: "native avx2", options: { engine: "native", isa: "avx2" }, threads });
  }
  return found;
}

// For hosts without shared memory: its arrays are outside of its memory.
const single: EngineCase = {
  engine: "single",
  name: "wasm without shared memory",
  options: { engine: "wasm", wasm: settings.singleWasm },
  threads: [1],
};

const wasm: EngineCase = { engine: "wasm", name: "wasm", options: { engine: "wasm" }, threads: settings.threads };

/** The engines of this machine that the settings name. Both of WebAssembly are on every machine. */
export const engines: readonly EngineCase[] = [...(await findNative()), single, wasm].filter(({ engine }) =>
  settings.engines.includes(engine),
);

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
