// The entry for pages, their workers and edge runtimes: nothing that it imports needs a module of Node.js.
import { web } from "./_web.js";
import { kernelsFor, type KernelsOptions } from "./create.js";
import type { Kernels } from "./kernels.js";

/**
 * Creates kernels. By default the native engine runs them if it loads, and otherwise WebAssembly; `engine.fallback` then says why.
 *
 * @throws MuldeError KERNELS_BAD_OPTION for an invalid setting; KERNELS_NOT_NATIVE if you request native kernels and there are none;
 * KERNELS_VERSION if those that are there belong to another version; KERNELS_NO_WASM if WebAssembly's file is not found or does not load;
 * KERNELS_NO_SHARED_MEMORY and KERNELS_NO_THREADS if the host lacks what `wasm` or `threads` asks for
 */
export function createKernels(options: KernelsOptions = {}): Promise<Kernels> {
  return kernelsFor(options, web);
}

export * from "./_api.js";
