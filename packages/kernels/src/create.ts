import { MuldeError } from "@mulde/errors";
import { noteCopy } from "./_copies.js";
import type { Host } from "./_host.js";
import type { Engine } from "./engine.js";
import { Kernels } from "./kernels.js";
import { wasmEngine } from "./wasm.js";

/** Options of `createKernels`. Environment variables give the defaults. */
export interface KernelsOptions {
  /** `native` or `wasm`. By default native if it loads, else wasm. Environment: `MULDE_KERNELS`. */
  readonly engine?: "native" | "wasm";
  /**
   * Threads, 1 to 256. By default all cores the process may use, or one where WebAssembly cannot share memory between threads. Environment:
   * `MULDE_THREADS`.
   */
  readonly threads?: number;
  /** Forces an instruction set of the native engine: `avx512`, `avx2` or `neon`. */
  readonly isa?: string;
  /**
   * What holds the WebAssembly kernels: bytes, a response, a compiled module, or the URL of a file (in Node.js also its path). By default the
   * file of this package: `@mulde/kernels/mulde.wasm`, or `@mulde/kernels/mulde-single.wasm` where there is no shared memory.
   */
  readonly wasm?: WebAssembly.Module | BufferSource | Response | URL | string;
  /** Where a page loads the script of the engine's threads, or a function that starts a worker with it. By default `@mulde/kernels/worker.js`. */
  readonly worker?: URL | string | (() => Worker);
}

/** The kernels for the options. */
export async function kernelsFor(options: KernelsOptions, host: Host): Promise<Kernels> {
  noteCopy(host);
  return new Kernels(await chooseEngine(options, host));
}

/** The engine for the options. */
export async function chooseEngine(options: KernelsOptions, host: Host): Promise<Engine> {
  const wanted = options.engine ?? host.setting("MULDE_KERNELS");
  if (wanted !== undefined && wanted !== "native" && wanted !== "wasm") {
    throw new MuldeError(
      "KERNELS_BAD_OPTION",
      `"${wanted}" must be native or wasm (option \`engine\` or environment variable MULDE_KERNELS).`,
      {
        path: ["engine"],
        value: wanted,
      },
    );
  }
  const asked = options.threads ?? host.setting("MULDE_THREADS");
  const given = asked ?? host.cores();
  const threads = Number(given);
  if (!Number.isInteger(threads) || threads < 1 || threads > 256) {
    throw new MuldeError(
      "KERNELS_BAD_OPTION",
      `${typeof given === "string" ? JSON.stringify(given) : given} must be a whole number from 1 to 256 (option \`threads\` or environment variable MULDE_THREADS).`,
      {
        path: ["threads"],
        value: given,
      },
    );
  }
  const { wasm, worker } = options;
  const wasmOptions = { threads, exactly: asked !== undefined, wasm, worker };
  if (wanted === "wasm") return wasmEngine(host, wasmOptions);
  const engine = host.native?.(threads, options.isa) ?? noNative;
  if ("call" in engine) return engine;
  const { code, reason } = engine;
  if (wanted !== "native" && options.isa === undefined) return wasmEngine(host, { ...wasmOptions, fallback: reason });
  throw new MuldeError(code, `You requested native kernels, but ${reason}.`);
}

const noNative = { code: "KERNELS_NOT_NATIVE", reason: "this host loads no native code" } as const;
