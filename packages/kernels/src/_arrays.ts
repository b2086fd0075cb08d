import { MuldeError } from "@mulde/errors";

/** The kinds of arrays that engines make. */
export type EngineArray = Float32Array | Int32Array | Float64Array;

/** The constructor of a kind of array, over some kind of memory. */
export interface ArrayType<B extends ArrayBufferLike, A extends EngineArray> {
  readonly name: string;
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: B, offset: number, length: number): A;
}

/** Tracks an engine's arrays, so that none is freed twice or used after it was freed. */
export class ArrayLedger {
  readonly #inUse = new WeakMap<ArrayBufferView, boolean>();
  #bytes = 0;

  /** Bytes of the arrays that were registered and not given back. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Registers a new array and returns it. */
  note<A extends EngineArray>(array: A): A {
    this.#inUse.set(array, true);
    this.#bytes += array.byteLength;
    return array;
  }

  /** Marks an array as free. Returns false if it is not the engine's own, or free already. */
  giveBack(array: EngineArray): boolean {
    if (this.#inUse.get(array) !== true) return false;
    this.#inUse.set(array, false);
    this.#bytes -= array.byteLength;
    return true;
  }

  /** Whether an array was freed. Views of it are other objects, which are not tracked. */
  isFree(array: unknown): boolean {
    return ArrayBuffer.isView(array) && this.#inUse.get(array) === false;
  }
}

/** @throws MuldeError KERNELS_BAD_SHAPE unless an array can have this length */
export function checkLength(type: { readonly name: string }, length: number): void {
  if (Number.isInteger(length) && length >= 0) return;
  const [path, value] = [[type.name, "length"], length];
  throw new MuldeError("KERNELS_BAD_SHAPE", `${length} must be a whole number from 0.`, { path, value });
}

/** @throws MuldeError KERNELS_OUT_OF_MEMORY if so many bytes do not fit */
export function allocated<B>(type: new (bytes: number) => B, bytes: number): B {
  try {
    return new type(bytes);
  } catch (cause) {
    throw new MuldeError(
      "KERNELS_OUT_OF_MEMORY",
      `${bytes} bytes more do not fit into memory. Use a smaller batch or a smaller model.`,
      { cause },
    );
  }
}
