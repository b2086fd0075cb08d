import { MuldeError } from "@mulde/errors";
import { Kernels } from "./kernels.js";
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

const isNode = typeof process === "object" && typeof process.versions?.node === "string";

async function availableThreads(): Promise<number> {
  if (!isNode) return navigator.hardwareConcurrency;
  const { availableParallelism } = await import("node:os");
  return availableParallelism();
}

function setting<T>(value: T | undefined, variable: string): T | string | undefined {
  return value ?? ((isNode && process.env[variable]) || undefined);
}

/**
 * Makes the kernels ready. Without options the native engine serves where it loads, and WebAssembly elsewhere.
 * Errors: `KERNELS_BAD_OPTION` for a setting that is not understood, `KERNELS_NOT_NATIVE` if native kernels were asked for and there are none.
 */
export async function createKernels(options: KernelsOptions = {}): Promise<Kernels> {
  const engine = setting(options.engine, "MULDE_KERNELS");
  if (engine !== undefined && engine !== "native" && engine !== "wasm") {
    throw new MuldeError("KERNELS_BAD_OPTION", `MULDE_KERNELS is "${engine}", but must be native or wasm.`);
  }
  const threads = Number(setting(options.threads, "MULDE_THREADS") ?? (await availableThreads()));
  if (!Number.isInteger(threads) || threads < 1 || threads > 256) {
    throw new MuldeError("KERNELS_BAD_OPTION", `MULDE_THREADS must be a whole number from 1 to 256.`);
  }
  if (engine !== "wasm" && isNode) {
    const { nativeEngine } = await import("./native.js");
    const native = nativeEngine(threads, options.isa);
    if (typeof native !== "string") return new Kernels(native);
    if (engine === "native" || options.isa !== undefined) {
      throw new MuldeError("KERNELS_NOT_NATIVE", `Native kernels were asked for, but ${native}.`);
    }
  }
  return new Kernels(await wasmEngine(threads));
}
