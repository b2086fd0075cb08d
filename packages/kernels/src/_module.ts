import { MuldeError } from "@mulde/errors";
import type { Host, Place } from "./_host.js";

/** What holds the WebAssembly kernels: a compiled module, bytes, a response, or the place of a file. */
export type WasmSource = WebAssembly.Module | BufferSource | Response | Place;

/** The compiled kernels, and whether they run in memory that workers share. */
export interface WasmModule {
  readonly module: WebAssembly.Module;
  readonly shared: boolean;
}

/**
 * Loads the WebAssembly kernels.
 *
 * @param given - what holds them; by default a file of this package
 * @param shared - which file: with shared memory, or for one thread
 */
export async function loadModule(host: Host, given: WasmSource | undefined, shared: boolean): Promise<WasmModule> {
  let place: Place | undefined;
  try {
    // Bundlers follow this form.
    const source =
      given ??
      (shared ? new URL("../wasm/mulde.wasm", import.meta.url) : new URL("../wasm/mulde-single.wasm", import.meta.url));
    if (typeof source === "string" || source instanceof URL) place = source;
    const module = await compiled(place === undefined ? source : await host.read(place));
    // The module for one thread brings its own memory.
    return { module, shared: WebAssembly.Module.imports(module).length > 0 };
  } catch (cause) {
    const why = `${place === undefined ? "" : ` from ${String(place)}`} (${(cause as Error).message})`;
    const [reason, path] =
      given === undefined
        ? [
            `The WebAssembly kernels do not load${why}. If a bundler packed @mulde/kernels, mark it as external, or pass the file @mulde/kernels/mulde.wasm: createKernels({ wasm }).`,
            [],
          ]
        : [
            `Does not load${why}. Pass the file @mulde/kernels/mulde.wasm: its URL, bytes, response or compiled module.`,
            ["wasm"],
          ];
    throw new MuldeError("KERNELS_NO_WASM", reason, { path, cause });
  }
}

async function compiled(source: WebAssembly.Module | BufferSource | Response): Promise<WebAssembly.Module> {
  // Modules of another realm are no instances of this one's class.
  if (Object.prototype.toString.call(source) === "[object WebAssembly.Module]") return source;
  if (!("arrayBuffer" in source)) return WebAssembly.compile(source as BufferSource);
  if (!source.ok) throw new Error(`status ${source.status}`);
  return WebAssembly.compile(await source.arrayBuffer());
}
