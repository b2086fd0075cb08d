import type { Engine, KernelArgument } from "./engine.js";
import type { WorkerStart } from "./_worker.js";
import { MuldeError } from "@mulde/errors";
import { faultError, unknownKernel } from "./_fault.js";
import { Heap } from "./_heap.js";

// The stack and the data of the module need a little over 2 MiB; 64 KiB pages.
const initialPages = 64;
// 4 GiB is what 32-bit addresses reach; hosts that will not reserve so much get less.
const maximumPages = [65_536, 32_768, 16_384, 4_096];
// As large as the main instance's own (scripts/build-wasm.js).
const workerStackBytes = 2 << 20;
const maxArguments = 40;
// Of an argument and a fault in memory (native/arguments.h).
const argumentBytes = 24;
const faultNumbers = 6;

const kinds = { number: 0, Float32Array: 1, Float64Array: 2, Int32Array: 3, nothing: 4, other: 5 } as const;

/** Arrays of other realms, such as a test runner's, count too, which `instanceof` would miss. */
function isArray(value: unknown): value is Float32Array | Float64Array | Int32Array {
  if (!ArrayBuffer.isView(value)) return false;
  const tag = (value as Float32Array)[Symbol.toStringTag] as string;
  return tag === "Float32Array" || tag === "Float64Array" || tag === "Int32Array";
}

interface Exports {
  readonly kernelCount: () => number;
  readonly kernelName: (index: number) => number;
  readonly kernelSignature: (index: number) => number;
  readonly call: (kernel: number, args: number, count: number) => number;
  readonly fault: () => number;
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

function bytesOf(array: Float32Array | Float64Array | Int32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** The WebAssembly engine with SIMD128; more than one thread needs a host that shares memory between workers. */
export async function wasmEngine(threads: number): Promise<Engine> {
  const module = await readModule();
  const memory = createMemory();
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  const exports = instance.exports as unknown as Exports;
  const heap = new Heap(memory, exports.__heap_base.value as number);

  const text = (address: number): string => {
    const bytes = new Uint8Array(memory.buffer, address);
    return String.fromCharCode(...bytes.subarray(0, bytes.indexOf(0)));
  };
  const index = new Map<string, number>();
  const signatures: string[] = [];
  for (let kernel = 0; kernel < exports.kernelCount(); kernel++) {
    index.set(text(exports.kernelName(kernel)), kernel);
    signatures.push(text(exports.kernelSignature(kernel)));
  }

  const workers: Thread[] = [];
  for (let thread = 1; thread < threads; thread++) {
    const stackTop = heap.allocate(workerStackBytes) + workerStackBytes;
    workers.push(await startThread({ module, memory, stackTop }));
  }
  exports.setWorkers(workers.length);

  const slots = heap.allocate(argumentBytes * maxArguments);
  const numbers = new Float64Array(memory.buffer, slots, (argumentBytes / 8) * maxArguments);
  const words = new Uint32Array(memory.buffer, slots, (argumentBytes / 4) * maxArguments);
  const fault = new Float64Array(memory.buffer, exports.fault(), faultNumbers);

  // The address first: allocating may grow the memory, and with it replace the buffer.
  function view<T>(
    type: { readonly BYTES_PER_ELEMENT: number; new (buffer: ArrayBufferLike, address: number, length: number): T },
    length: number,
  ): T {
    const address = heap.allocate(type.BYTES_PER_ELEMENT * length);
    return new type(heap.buffer, address, length);
  }

  /** Writes an argument as native/arguments.h lays it out. */
  function pass(i: number, kind: number, number: number, address: number): void {
    words[6 * i] = address;
    numbers[3 * i + 1] = number;
    words[6 * i + 4] = kind;
  }

  function call(kernel: string, args: readonly KernelArgument[]): void {
    const at = index.get(kernel);
    if (at === undefined) throw unknownKernel(kernel, index.keys());
    // Where arrays of other origin were copied to. One that is passed twice stays one.
    const copies = new Map<Float32Array | Float64Array | Int32Array, number>();
    const place = (array: Float32Array | Float64Array | Int32Array): number => {
      if (array.length === 0) return 0;
      if (heap.owns(array)) return array.byteOffset;
      const known = copies.get(array);
      if (known !== undefined) return known;
      const address = heap.allocate(array.byteLength);
      copies.set(array, address);
      heap.bytes(address, array.byteLength).set(bytesOf(array));
      return address;
    };
    try {
      for (let i = 0; i < args.length && i < maxArguments; i++) {
        const value = args[i];
        if (typeof value === "number") pass(i, kinds.number, value, 0);
        else if (value === null) pass(i, kinds.nothing, 0, 0);
        else if (isArray(value)) pass(i, kinds[value[Symbol.toStringTag]], value.length, place(value));
        else pass(i, kinds.other, 0, 0);
      }
      if (exports.call(at, slots, args.length) === 0) throw faultError(kernel, signatures[at]!, args, fault);
      for (const [array, address] of copies) bytesOf(array).set(heap.bytes(address, array.byteLength));
    } finally {
      for (const address of copies.values()) heap.release(address);
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
