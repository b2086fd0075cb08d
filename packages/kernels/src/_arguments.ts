import { constants, kinds, signatures } from "./_generated.js";
import type { EngineArray } from "./_arrays.js";
import type { Heap } from "./_heap.js";
import type { KernelArgument } from "./engine.js";

// An argument in memory has an address, a number or length, and a kind (native/arguments.h).
const bytes = 24 * constants.maxArguments;

// Kernels only read arguments with these names, so copies of them need not be copied back.
const inputs = /^(tables|queries|points|plan|labels)\./;

const known = new Map<string, readonly boolean[]>();

/** Which of a kernel's arguments it may write to. */
export function outputs(kernel: string): readonly boolean[] {
  const before = known.get(kernel);
  if (before) return before;
  const written = signatures[kernel as keyof typeof signatures].split(" ").map((name) => !inputs.test(name));
  known.set(kernel, written);
  return written;
}

type ArrayTag = "Float32Array" | "Float64Array" | "Int32Array";

/** The arguments of a WebAssembly call, in its memory. */
export class CallArguments {
  readonly address: number;
  readonly #heap: Heap;
  #numbers: Float64Array = new Float64Array();
  #words: Uint32Array = new Uint32Array();
  /** The addresses of copied arrays. An array that is passed twice is copied once. */
  readonly #copies = new Map<EngineArray, number>();
  /** The copied arrays that the kernel may write to. */
  readonly #written = new Set<EngineArray>();

  constructor(heap: Heap) {
    this.#heap = heap;
    this.address = heap.allocate(bytes);
  }

  /** Writes the arguments in the layout of native/arguments.h. The kernel refuses what does not belong there. */
  write(kernel: string, args: readonly KernelArgument[]): void {
    const written = outputs(kernel);
    const count = Math.min(args.length, constants.maxArguments);
    for (let i = 0; i < count; i++) {
      const value: unknown = args[i];
      if (typeof value === "number") this.#put(i, kinds.number, value, 0);
      else if (value === null) this.#put(i, kinds.nothing, 0, 0);
      else if (isEngineArray(value)) this.#putArray(i, value, written[i] ?? false);
      else this.#put(i, kinds.other, 0, 0);
    }
  }

  /** Copies arrays back that are not in this memory. */
  read(): void {
    for (const array of this.#written) {
      const bytes = bytesOf(array);
      bytes.set(this.#heap.bytes(this.#copies.get(array)!, bytes.length));
    }
  }

  /** Frees the copies. */
  clear(): void {
    for (const address of this.#copies.values()) this.#heap.release(address);
    this.#copies.clear();
    this.#written.clear();
  }

  #put(i: number, kind: number, number: number, address: number): void {
    // Growth replaces the buffer; views of one that is not shared are then empty.
    if (this.#words.buffer !== this.#heap.buffer) {
      this.#numbers = new Float64Array(this.#heap.buffer, this.address, bytes / 8);
      this.#words = new Uint32Array(this.#heap.buffer, this.address, bytes / 4);
    }
    this.#words[6 * i] = address;
    this.#numbers[3 * i + 1] = number;
    this.#words[6 * i + 4] = kind;
  }

  #putArray(i: number, array: TaggedArray, written: boolean): void {
    const kind = kinds[array[Symbol.toStringTag]];
    if (this.#heap.owns(array)) {
      this.#put(i, kind, array.length, array.byteOffset);
      return;
    }
    // Not array.length: in Node 20, optimized code that has seen resizable memory takes the former length of an array whose memory is gone.
    const bytes = bytesOf(array);
    this.#put(i, kind, bytes.length / array.BYTES_PER_ELEMENT, this.#copy(array, bytes));
    if (written && bytes.length > 0) this.#written.add(array);
  }

  #copy(array: EngineArray, bytes: Uint8Array): number {
    if (bytes.length === 0) return 0;
    const known = this.#copies.get(array);
    if (known !== undefined) return known;
    const address = this.#heap.reserve(bytes.length);
    this.#copies.set(array, address);
    this.#heap.bytes(address, bytes.length).set(bytes);
    return address;
  }
}

type TaggedArray = EngineArray & { readonly [Symbol.toStringTag]: ArrayTag };

/** Whether a value is an array of the right kind, in any realm: `instanceof` would miss those of a test runner's context. */
function isEngineArray(value: unknown): value is TaggedArray {
  if (!ArrayBuffer.isView(value)) return false;
  const tag = (value as EngineArray)[Symbol.toStringTag] as string;
  return tag === "Float32Array" || tag === "Float64Array" || tag === "Int32Array";
}

/** The bytes of an array; none if its memory was transferred, or shrank below it. */
function bytesOf(array: EngineArray): Uint8Array {
  try {
    return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  } catch {
    return new Uint8Array();
  }
}
