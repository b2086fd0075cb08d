import type { Engine, KernelArgument } from "./engine.js";
import type { WorkerStart } from "./_worker.js";
import { MuldeError } from "@mulde/errors";
import { Heap } from "./_heap.js";

// The stack and the data of the module need a little over 2 MiB; 64 KiB pages.
const initialPages = 64;
// 4 GiB is what 32-bit addresses reach; hosts that will not reserve so much get less.
const maximumPages = [65_536, 32_768, 16_384, 4_096];
// As large as the main instance's own (scripts/build-wasm.js).
const workerStackBytes = 2 << 20;
const maxArguments = 32;

interface Exports {
  readonly kernelCount: () => number;
  readonly kernelName: (index: number) => number;
  readonly call: (kernel: number, args: number) => void;
  readonly setWorkers: (count: number) => void;
  readonly __heap_base: WebAssembly.Global;
}

interface Thread {
  readonly ready: Promise<void>;
  end(): Promise<void>;
}

const isNode = typeof process === "object" && typeof process.versions?.node === "string";

async function readModule(): Promise<WebAssembly.Module> {
  // The same relative place from src/ and from dist/.
  const url = new URL("../wasm/mulde.wasm", import.meta.url);
  if (!isNode) return WebAssembly.compileStreaming(fetch(url));
  const { readFile } = await import("node:fs/promises");
  return WebAssembly.compile(await readFile(url));
}

function createMemory(): WebAssembly.Memory {
  let failure: unknown;
  for (const maximum of maximumPages) {
    try {
      return new WebAssembly.Memory({ initial: initialPages, maximum, shared: true });
    } catch (error) {
      failure = error;
    }
  }
  throw new MuldeError(
    "KERNELS_NO_SHARED_MEMORY",
    "This host gives WebAssembly no shared memory, which the kernels need.",
    {
      cause: failure,
    },
  );
}

async function startThread(start: WorkerStart): Promise<Thread> {
  const url = new URL(import.meta.url.endsWith(".ts") ? "../dist/_worker.js" : "./_worker.js", import.meta.url);
  if (isNode) {
    const { Worker } = await import("node:worker_threads");
    // Flags such as --input-type, which a program on the command line needs, are refused for a file.
    const worker = new Worker(url, { workerData: start, execArgv: [] });
    const ready = new Promise<void>((resolve, reject) => {
      worker.once("message", () => resolve());
      worker.once("error", reject);
    });
    await ready;
    // A waiting thread must not keep a finished program alive.
    worker.unref();
    return { ready, end: async () => void (await worker.terminate()) };
  }
  const worker = new Worker(url, { type: "module" });
  const ready = new Promise<void>((resolve, reject) => {
    worker.onmessage = () => resolve();
    worker.onerror = (event) => reject(new Error(event.message));
  });
  worker.postMessage(start);
  await ready;
  return { ready, end: () => Promise.resolve(worker.terminate()) };
}

/** The WebAssembly engine with SIMD128; more than one thread needs a host that shares memory between workers. */
export async function wasmEngine(threads: number): Promise<Engine> {
  const module = await readModule();
  const memory = createMemory();
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  const exports = instance.exports as unknown as Exports;
  const heap = new Heap(memory, exports.__heap_base.value as number);

  const index = new Map<string, number>();
  for (let kernel = 0; kernel < exports.kernelCount(); kernel++) {
    const bytes = new Uint8Array(memory.buffer, exports.kernelName(kernel), 64);
    index.set(String.fromCharCode(...bytes.subarray(0, bytes.indexOf(0))), kernel);
  }

  const workers: Thread[] = [];
  for (let thread = 1; thread < threads; thread++) {
    const stackTop = heap.allocate(workerStackBytes) + workerStackBytes;
    workers.push(await startThread({ module, memory, stackTop }));
  }
  exports.setWorkers(workers.length);

  const slots = heap.allocate(8 * maxArguments);
  const words = new DataView(memory.buffer, slots, 8 * maxArguments);

  // The address first: allocating may grow the memory, and with it replace the buffer.
  function view<T>(
    type: { readonly BYTES_PER_ELEMENT: number; new (buffer: ArrayBufferLike, address: number, length: number): T },
    length: number,
  ): T {
    const address = heap.allocate(type.BYTES_PER_ELEMENT * length);
    return new type(heap.buffer, address, length);
  }

  function call(kernel: string, args: readonly KernelArgument[]): void {
    const copies: { readonly view: Float32Array | Float64Array | Int32Array; readonly address: number }[] = [];
    args.forEach((value, i) => {
      if (typeof value === "number") {
        words.setFloat64(8 * i, value, true);
        return;
      }
      let address = 0;
      if (value !== null && value.length > 0) {
        if (heap.owns(value)) {
          address = value.byteOffset;
        } else {
          address = heap.allocate(value.byteLength);
          copies.push({ view: value, address });
          new Uint8Array(memory.buffer, address, value.byteLength).set(
            new Uint8Array(value.buffer, value.byteOffset, value.byteLength),
          );
        }
      }
      words.setBigUint64(8 * i, BigInt(address), true);
    });
    exports.call(index.get(kernel)!, slots);
    for (const { view, address } of copies) {
      new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(
        new Uint8Array(memory.buffer, address, view.byteLength),
      );
      heap.release(address);
    }
  }

  return {
    kind: "wasm",
    isa: "wasm",
    threads,
    float32: (length) => view(Float32Array, length),
    int32: (length) => view(Int32Array, length),
    float64: (length) => view(Float64Array, length),
    free: (...arrays) => {
      for (const array of arrays) if (array && heap.owns(array)) heap.release(array.byteOffset);
    },
    call,
    close: async () => {
      exports.setWorkers(0);
      await Promise.all(workers.map((worker) => worker.end()));
    },
  };
}
