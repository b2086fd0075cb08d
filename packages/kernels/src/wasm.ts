import { MuldeError } from "@mulde/errors";
import { CallArguments } from "./_arguments.js";
import { ArrayLedger, type ArrayType, checkLength, type EngineArray } from "./_arrays.js";
import { faultError, freedError, kernelNumber } from "./_fault.js";
import { abi } from "./_generated.js";
import { Heap } from "./_heap.js";
import { availableThreads, isNode } from "./_host.js";
import { startThread, type Thread } from "./_threads.js";
import type { Engine, KernelArgument } from "./engine.js";

// In pages of 64 KiB. The module's stack and data need a little over 2 MiB.
const initialPages = 64;
// 32-bit addresses reach 4 GiB. Hosts that do not reserve that much get less.
const maximumPages = [65_536, 32_768, 16_384, 4_096];
// As large as the main instance's stack (scripts/build-wasm.js).
const workerStackBytes = 2 << 20;
const faultNumbers = 6;

interface Exports {
  readonly abi: () => number;
  readonly call: (kernel: number, args: number, count: number) => number;
  readonly fault: () => number;
  readonly setWorkers: (count: number, cores: number) => void;
  readonly __heap_base: WebAssembly.Global;
}

async function readModule(): Promise<WebAssembly.Module> {
  // The same path works from src/ and dist/.
  const url = new URL("../wasm/mulde.wasm", import.meta.url);
  if (!isNode) return WebAssembly.compileStreaming(fetch(url));
  const { readFile } = await import("node:fs/promises");
  return WebAssembly.compile(await readFile(url));
}

function createMemory(): WebAssembly.Memory {
  let cause: unknown;
  for (const maximum of maximumPages) {
    try {
      return new WebAssembly.Memory({ initial: initialPages, maximum, shared: true });
    } catch (error) {
      cause = error;
    }
  }
  const reason =
    "This host provides no shared memory for WebAssembly, which the kernels need. Run a page cross-origin isolated.";
  throw new MuldeError("KERNELS_NO_SHARED_MEMORY", reason, { cause });
}

/**
 * Makes the WebAssembly engine, with SIMD128. More than one thread needs a host that shares memory between workers.
 *
 * @param fallback - why the native engine does not run, if WebAssembly was not requested
 * @param module - the compiled kernels
 */
export async function wasmEngine(threads: number, fallback?: string, module = readModule()): Promise<Engine> {
  const compiled = await module;
  const memory = createMemory();
  const instance = await WebAssembly.instantiate(compiled, { env: { memory } });
  const exports = instance.exports as unknown as Exports;
  // A module from before the version check has no number.
  if ((exports as Partial<Exports>).abi === undefined || exports.abi() >>> 0 !== abi) {
    const reason = "wasm/mulde.wasm belongs to another version than the code around it: reinstall @mulde/kernels.";
    throw new MuldeError("KERNELS_VERSION", reason);
  }
  const heap = new Heap(memory, exports.__heap_base.value as number);
  const workers: Thread[] = [];
  for (let thread = 1; thread < threads; thread++) {
    const stackTop = heap.allocate(workerStackBytes) + workerStackBytes;
    workers.push(await startThread({ module: compiled, memory, stackTop }));
  }
  exports.setWorkers(workers.length, await availableThreads());

  const passed = new CallArguments(heap);
  const fault = new Float64Array(memory.buffer, exports.fault(), faultNumbers);
  const ledger = new ArrayLedger();

  // Allocate first: that may grow the memory and replace the buffer.
  function make<A extends EngineArray>(type: ArrayType<ArrayBufferLike, A>, length: number): A {
    checkLength(type, length);
    const address = heap.allocate(type.BYTES_PER_ELEMENT * length);
    return ledger.note(new type(heap.buffer, address, length));
  }

  function call(kernel: string, args: readonly KernelArgument[]): void {
    const number = kernelNumber(kernel);
    for (let i = 0; i < args.length; i++) {
      const value: unknown = args[i];
      if (ledger.isFree(value) || heap.isFree(value)) throw freedError(kernel, i);
    }
    try {
      passed.write(args);
      if (exports.call(number, passed.address, args.length) === 0) throw faultError(kernel, args, fault);
      passed.read();
    } finally {
      passed.clear();
    }
  }

  async function close(): Promise<void> {
    exports.setWorkers(0, 1);
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
      for (const array of arrays) if (array && ledger.giveBack(array)) heap.release(array.byteOffset);
    },
    call,
    close,
    [Symbol.asyncDispose]: close,
  };
}
