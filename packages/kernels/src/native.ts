import { createRequire } from "node:module";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Fault, faultError, unknownKernel } from "./_fault.js";
import type { Engine, KernelArgument } from "./engine.js";

interface Loaded {
  readonly isa: string;
  /** names and signatures by turns */
  readonly kernels: readonly string[];
  call(kernel: number, ...args: readonly KernelArgument[]): Fault | undefined;
}

interface Addon {
  load(isa: string, threads: number): Loaded | null;
}

/** The addon built in this checkout, or the optional package of this platform. */
function addonPath(): string | undefined {
  const platform = `${process.platform}-${process.arch}`;
  for (const folder of ["./", "../dist/"]) {
    const built = fileURLToPath(new URL(`${folder}mulde-${platform}.node`, import.meta.url));
    if (existsSync(built)) return built;
  }
  try {
    return createRequire(import.meta.url).resolve(`@mulde/kernels-${platform}`);
  } catch {
    return undefined;
  }
}

/**
 * The native engine, or the reason why there is none. `isa` forces an instruction set.
 * The pool of threads is one for the process: the last engine made decides its size, which never changes a result.
 */
export function nativeEngine(threads: number, isa = ""): Engine | string {
  const path = addonPath();
  if (path === undefined) return "no native kernels are built or installed for this platform";
  let loaded: Loaded | null;
  try {
    loaded = (createRequire(import.meta.url)(path) as Addon).load(isa, threads);
  } catch (error) {
    return `the native kernels do not load (${(error as Error).message})`;
  }
  if (loaded === null) return `this processor has no ${isa || "AVX2 or AVX-512"} unit`;
  const { isa: used, kernels, call } = loaded;
  const index = new Map<string, number>();
  for (let i = 0; i < kernels.length; i += 2) index.set(kernels[i]!, i / 2);
  return {
    kind: "native",
    isa: used,
    threads,
    float32: (length) => new Float32Array(new SharedArrayBuffer(4 * length)),
    int32: (length) => new Int32Array(new SharedArrayBuffer(4 * length)),
    float64: (length) => new Float64Array(new SharedArrayBuffer(8 * length)),
    free: () => undefined, // garbage collected
    call: (kernel, args) => {
      const at = index.get(kernel);
      if (at === undefined) throw unknownKernel(kernel, index.keys());
      const fault = call(at, ...args);
      if (fault) throw faultError(kernel, kernels[2 * at + 1]!, args, fault);
    },
    close: () => Promise.resolve(),
  };
}
