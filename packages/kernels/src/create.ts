import { MuldeError } from "@mulde/errors";
import { availableThreads, isNode } from "./_host.js";
import type { Engine } from "./engine.js";
import { Kernels } from "./kernels.js";
import type { NotNative } from "./native.js";
import { wasmEngine } from "./wasm.js";

/** Options of `createKernels`. Environment variables give the defaults. */
export interface KernelsOptions {
  /** `native` or `wasm`. By default native if it loads, else wasm. Environment: `MULDE_KERNELS`. */
  readonly engine?: "native" | "wasm";
  /** Threads, 1 to 256. By default all cores the process may use. Environment: `MULDE_THREADS`. */
  readonly threads?: number;
  /** Forces an instruction set of the native engine: `avx512`, `avx2` or `neon`. */
  readonly isa?: string;
}

type MakeNative = (threads: number, isa?: string) => Engine | NotNative;

/** An option, or else its environment variable. An empty variable counts as unset. */
function setting<T>(value: T | undefined, variable: string): T | string | undefined {
  if (value !== undefined || !isNode) return value;
  return process.env[variable] === "" ? undefined : process.env[variable];
}

/**
 * Creates kernels. By default the native engine runs them if it loads, and otherwise WebAssembly; `engine.fallback` then says why.
 *
 * @throws MuldeError KERNELS_BAD_OPTION for an invalid setting; KERNELS_NOT_NATIVE if you request native kernels and there are none;
 * KERNELS_VERSION if those that are there belong to another version; KERNELS_NO_SHARED_MEMORY if WebAssembly gets no shared memory
 */
export async function createKernels(options: KernelsOptions = {}): Promise<Kernels> {
  const native = isNode ? (await import("./native.js")).nativeEngine : undefined;
  return new Kernels(await chooseEngine(options, native));
}

/** The engine for the options. `native` makes the native one; it is undefined where there is none. */
export async function chooseEngine(options: KernelsOptions, native: MakeNative | undefined): Promise<Engine> {
  const wanted = setting(options.engine, "MULDE_KERNELS");
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
  const given = setting(options.threads, "MULDE_THREADS") ?? (await availableThreads());
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
  if (wanted === "wasm" || !native) return wasmEngine(threads);
  const engine = native(threads, options.isa);
  if ("call" in engine) return engine;
  const { code, reason } = engine;
  if (wanted !== "native" && options.isa === undefined) return wasmEngine(threads, reason);
  throw new MuldeError(code, `You requested native kernels, but ${reason}.`);
}
