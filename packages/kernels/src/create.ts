import { MuldeError } from "@mulde/errors";
import { noteCopy } from "./_copies.js";
import type { Host, WorkerSource } from "./_host.js";
import type { Engine } from "./engine.js";
import { Kernels } from "./kernels.js";
import { wasmEngine, type WasmOptions } from "./wasm.js";

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
   * What holds the WebAssembly kernels: the URL of a file (in Node.js also its path), its bytes, a `Response` or a compiled `WebAssembly.Module`.
   * By default the file of this package: `@mulde/kernels/mulde.wasm`, or `@mulde/kernels/mulde-single.wasm` where there is no shared memory.
   */
  readonly wasm?: string | object;
  /**
   * Where a page loads the script of the engine's threads, or a function that starts a worker with it. By default `@mulde/kernels/worker.js`,
   * or a copy of it that needs no file.
   */
  readonly worker?: string | URLLike | (() => WorkerLike);
}

// Programs are compiled without the types of browsers too.
interface URLLike {
  readonly href: string;
}
interface WorkerLike {
  postMessage(message: unknown): void;
  terminate(): void;
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
  const wasmOptions: WasmOptions = {
    threads,
    exactly: asked !== undefined,
    wasm: options.wasm,
    worker: options.worker as WorkerSource | undefined,
  };
  if (wanted === "wasm") return wasmEngine(host, wasmOptions);
  const engine = host.native?.(threads, options.isa) ?? noNative;
  if ("call" in engine) return engine;
  const { code, reason } = engine;
  if (wanted !== "native" && options.isa === undefined) return wasmEngine(host, { ...wasmOptions, fallback: reason });
  throw new MuldeError(code, `You requested native kernels, but ${reason}.`);
}

const noNative = { code: "KERNELS_NOT_NATIVE", reason: "this host loads no native code" } as const;
