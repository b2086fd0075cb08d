import { MuldeError } from "@mulde/errors";
import { availableThreads, isNode } from "./_host.js";
import type { Engine } from "./engine.js";
import { Kernels } from "./kernels.js";
import type { NotNative } from "./native.js";
import { wasmEngine } from "./wasm.js";

/** What `createKernels` may be told; the environment variables of the same meaning are the defaults. */
export interface KernelsOptions {
  /** `native` or `wasm`; by default native where it loads, else wasm. Environment: `MULDE_KERNELS`. */
  readonly engine?: "native" | "wasm";
  /** Threads; by default all cores that this process may use. Environment: `MULDE_THREADS`. */
  readonly threads?: number;
  /** Forces an instruction set of the native engine: `avx512`, `avx2` or `neon`. */
  readonly isa?: string;
}

type MakeNative = (threads: number, isa?: string) => Engine | NotNative;

/** An option, or else its environment variable unless that is empty. */
function setting<T>(value: T | undefined, variable: string): T | string | undefined {
  if (value !== undefined || !isNode) return value;
  return process.env[variable] === "" ? undefined : process.env[variable];
}

/**
 * Makes the kernels ready. Without options the native engine serves where it loads, and WebAssembly elsewhere; `engine.fallback` then says why.
 *
 * @throws MuldeError KERNELS_BAD_OPTION for a setting that is not understood; KERNELS_NOT_NATIVE if native kernels were asked for and there
 * are none; KERNELS_VERSION if those that there are belong to another version
 */
export async function createKernels(options: KernelsOptions = {}): Promise<Kernels> {
  const native = isNode ? (await import("./native.js")).nativeEngine : undefined;
  return new Kernels(await chooseEngine(options, native));
}

/** The engine that the options ask for; `native` makes the native one where there may be one. */
export async function chooseEngine(options: KernelsOptions, native: MakeNative | undefined): Promise<Engine> {
  const wanted = setting(options.engine, "MULDE_KERNELS");
  if (wanted !== undefined && wanted !== "native" && wanted !== "wasm") {
    throw new MuldeError("KERNELS_BAD_OPTION", `MULDE_KERNELS is "${wanted}", but must be native or wasm.`, {
      path: ["engine"],
      value: wanted,
    });
  }
  const threads = Number(setting(options.threads, "MULDE_THREADS") ?? (await availableThreads()));
  if (!Number.isInteger(threads) || threads < 1 || threads > 256) {
    throw new MuldeError("KERNELS_BAD_OPTION", `MULDE_THREADS must be a whole number from 1 to 256.`, {
      path: ["threads"],
      value: threads,
    });
  }
  if (wanted === "wasm" || !native) return wasmEngine(threads);
  const engine = native(threads, options.isa);
  if ("call" in engine) return engine;
  const { code, reason } = engine;
  if (wanted !== "native" && options.isa === undefined) return wasmEngine(threads, reason);
  throw new MuldeError(code, `Native kernels were asked for, but ${reason}.`);
}
