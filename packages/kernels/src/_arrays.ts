/** The kinds of arrays that engines make. */
export type EngineArray = Float32Array | Int32Array | Float64Array;

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
