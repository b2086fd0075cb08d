import { createRequire } from "node:module";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Engine, KernelArgument } from "./engine.js";

interface Loaded {
  readonly isa: string;
  readonly kernels: Readonly<Record<string, (...args: readonly KernelArgument[]) => void>>;
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
  const { kernels } = loaded;
  return {
    kind: "native",
    isa: loaded.isa,
    threads,
    float32: (length) => new Float32Array(new SharedArrayBuffer(4 * length)),
    int32: (length) => new Int32Array(new SharedArrayBuffer(4 * length)),
    float64: (length) => new Float64Array(new SharedArrayBuffer(8 * length)),
    free: () => undefined, // garbage collected
    call: (kernel, args) => kernels[kernel]!(...args),
    close: () => Promise.resolve(),
  };
}
