import { MuldeError } from "@mulde/errors";
import { CallArguments } from "./_arguments.js";
import { allocated, ArrayLedger, type ArrayType, checkLength, type EngineArray } from "./_arrays.js";
import { faultError, freedError, kernelNumber } from "./_fault.js";
import { abi } from "./_generated.js";
import { Heap } from "./_heap.js";
import type { Host } from "./_host.js";
import { loadModule, type WasmModule, type WasmSource } from "./_module.js";
import { startThreads, type ThreadOptions } from "./_threads.js";
import type { Engine, KernelArgument } from "./engine.js";

// In pages of 64 KiB. The module's stack and data need a little over 2 MiB.
const initialPages = 64;
// 32-bit addresses reach 4 GiB. Hosts that do not reserve that much get less.
const maximumPages = [65_536, 32_768, 16_384, 4_096];
const faultNumbers = 6;

interface Exports {
  readonly abi: () => number;
  readonly call: (kernel: number, args: number, count: number) => number;
  readonly fault: () => number;
  /** The module for one thread has its own memory, and no workers. */
  readonly setWorkers?: (count: number, cores: number) => void;
  readonly memory?: WebAssembly.Memory;
  readonly __heap_base: WebAssembly.Global;
}

/** How the WebAssembly engine is made. */
export interface WasmOptions extends ThreadOptions {
  readonly wasm?: WasmSource | undefined;
  /** Why the native engine does not run, if WebAssembly was not requested. */
  readonly fallback?: string;
}

/** Memory that can be shared with workers, or the error of a host that has none. */
function sharedMemory(): WebAssembly.Memory | Error {
  let cause: unknown;
  for (const maximum of maximumPages) {
    try {
      return new WebAssembly.Memory({ initial: initialPages, maximum, shared: true });
    } catch (error) {
      cause = error;
    }
  }
  return cause as Error;
}

async function instantiate(module: WebAssembly.Module, imports: WebAssembly.Imports): Promise<Exports> {
  let cause: unknown;
  try {
    const exports = (await WebAssembly.instantiate(module, imports)).exports as unknown as Exports;
    // A module from before the version check has no number.
    if ((exports as Partial<Exports>).abi !== undefined && exports.abi() >>> 0 === abi) return exports;
  } catch (error) {
    cause = error;
  }
  const reason =
    "The WebAssembly kernels belong to another version than the code around them: reinstall @mulde/kernels.";
  throw new MuldeError("KERNELS_VERSION", reason, { cause });
}

/** An instance of the kernels, and the memory that workers share with it, if they can. */
async function start(
  { module, shared }: WasmModule,
  memory: WebAssembly.Memory | Error,
): Promise<[Exports, WebAssembly.Memory?]> {
  if (!shared) return [await instantiate(module, {})];
  if (!(memory instanceof Error)) return [await instantiate(module, { env: { memory } }), memory];
  const reason = "This host has no shared memory for WebAssembly: pass @mulde/kernels/mulde-single.wasm.";
  throw new MuldeError("KERNELS_NO_SHARED_MEMORY", reason, { path: ["wasm"], cause: memory });
}

/** Whether arrays in a memory stay valid while it grows. */
function keepsViews(memory: WebAssembly.Memory): boolean {
  // New in browsers of 2025. Before, growth took views of memory that is not shared away.
  const { toResizableBuffer } = memory as { toResizableBuffer?: () => ArrayBuffer };
  if (!toResizableBuffer) return false;
  toResizableBuffer.call(memory);
  return true;
}

/** Makes the WebAssembly engine, with SIMD128. More than one thread needs a host that shares memory between workers. */
export async function wasmEngine(host: Host, options: WasmOptions): Promise<Engine> {
  const sharable = sharedMemory();
  const loaded = await loadModule(host, options.wasm, !(sharable instanceof Error));
  const [exports, shared] = await start(loaded, sharable);
  const memory = shared ?? exports.memory!;
  const inPlace = shared !== undefined || keepsViews(memory);
  const heap = new Heap(memory, exports.__heap_base.value as number);
  const workers = await startThreads(host, options, heap, loaded.module, shared);
  exports.setWorkers?.(workers.length, host.cores());
  const threads = workers.length + 1;
  const { fallback } = options;

  const passed = new CallArguments(heap);
  const ledger = new ArrayLedger();

  function make<A extends EngineArray>(type: ArrayType<ArrayBufferLike, A>, length: number): A {
    checkLength(type, length);
    const bytes = type.BYTES_PER_ELEMENT * length;
    // Calls copy arrays that are outside.
    if (!inPlace) return ledger.note(new type(allocated(ArrayBuffer, bytes), 0, length));
    // Allocate first: that may grow the memory and replace the buffer.
    const address = heap.allocate(bytes);
    return ledger.note(new type(heap.buffer, address, length));
  }

  function call(kernel: string, args: readonly KernelArgument[]): void {
    const number = kernelNumber(kernel);
    for (let i = 0; i < args.length; i++) {
      const value: unknown = args[i];
      if (ledger.isFree(value) || heap.isFree(value)) throw freedError(kernel, i);
    }
    try {
      passed.write(kernel, args);
      if (exports.call(number, passed.address, args.length) === 0) {
        throw faultError(kernel, args, new Float64Array(heap.buffer, exports.fault(), faultNumbers));
      }
      passed.read();
    } finally {
      passed.clear();
    }
  }

  async function close(): Promise<void> {
    exports.setWorkers?.(0, 1);
    await Promise.all(workers.splice(0).map((worker) => worker.end()));
  }

  return {
    kind: "wasm",
    isa: "wasm",
    threads,
    ...(fallback !== undefined && { fallback }),
    float32: (length) => make(Float32Array, length),
    int32: (length) => make(Int32Array, length),
    float64: (length) => make(Float64Array, length),
    bytesInUse: () => ledger.bytes,
    free: (...arrays) => {
      for (const array of arrays)
        if (array && ledger.giveBack(array) && heap.owns(array)) heap.release(array.byteOffset);
    },
    call,
    close,
    [Symbol.asyncDispose]: close,
  };
}
