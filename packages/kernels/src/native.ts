import { allocated, ArrayLedger, type ArrayType, checkLength, type EngineArray } from "./_arrays.js";
import { findAddon, requireFrom } from "./_addon.js";
import { type Fault, faultError, freedError, kernelNumber } from "./_fault.js";
import { abi } from "./_generated.js";
import type { Engine, KernelArgument } from "./engine.js";

interface Loaded {
  readonly isa: string;
  readonly abi: number;
  readonly call: (kernel: number, ...args: readonly KernelArgument[]) => Fault | undefined;
  readonly address: (array: EngineArray) => number;
}

interface Addon {
  load(isa: string, threads: number): Loaded | null;
}

/** Why the native engine does not run. */
export interface NotNative {
  readonly code: "KERNELS_NOT_NATIVE" | "KERNELS_VERSION";
  /** a clause that can follow "but" */
  readonly reason: string;
}

/**
 * Makes the native engine, or says why there is none. The thread pool is process-wide; the latest call sets its size, which never changes results.
 *
 * @param isa - the instruction set; "" picks the widest
 * @param addon - the addon's path, or why there is none
 */
export function nativeEngine(threads: number, isa = "", addon = findAddon()): Engine | NotNative {
  const missing = (reason: string): NotNative => ({ code: "KERNELS_NOT_NATIVE", reason });
  if ("reason" in addon) return missing(addon.reason);
  const { path } = addon;
  let loaded: Loaded | null;
  try {
    loaded = (requireFrom(path)(path) as Addon).load(isa, threads);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_DLOPEN_DISABLED") {
      return missing("Node.js loads no addons here (--no-addons, or --permission without --allow-addons)");
    }
    return missing(`the native kernels in ${path} do not load (${firstLine(error)})`);
  }
  if (loaded === null) return missing(`this processor has no ${isa || "AVX2 or AVX-512"} unit`);
  if (loaded.abi !== abi) {
    return {
      code: "KERNELS_VERSION",
      reason: `the native kernels in ${path} belong to another version: rebuild them, or install the version of this package`,
    };
  }
  return engineOf(loaded, threads);
}

/** Node follows the message with the list of modules that required this one. */
function firstLine(error: unknown): string {
  return (error as Error).message.split("\n", 1)[0]!;
}

// The size of a cache line: aligned vectors never straddle two.
const alignment = 64;

function engineOf({ isa, call, address }: Loaded, threads: number): Engine {
  const ledger = new ArrayLedger();
  function make<A extends EngineArray>(type: ArrayType<SharedArrayBuffer, A>, length: number): A {
    checkLength(type, length);
    const buffer = allocated(SharedArrayBuffer, type.BYTES_PER_ELEMENT * length + alignment);
    const past = address(new Float32Array(buffer)) % alignment;
    return ledger.note(new type(buffer, (alignment - past) % alignment, length));
  }
  const close = (): Promise<void> => Promise.resolve();
  return {
    kind: "native",
    isa,
    threads,
    float32: (length) => make(Float32Array, length),
    int32: (length) => make(Int32Array, length),
    float64: (length) => make(Float64Array, length),
    bytesInUse: () => ledger.bytes,
    // The garbage collector frees the memory itself.
    free: (...arrays) => {
      for (const array of arrays) if (array) ledger.giveBack(array);
    },
    call: (kernel, args) => {
      const number = kernelNumber(kernel);
      for (let i = 0; i < args.length; i++) if (ledger.isFree(args[i])) throw freedError(kernel, i);
      const fault = call(number, ...args);
      if (fault) throw faultError(kernel, args, fault);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
