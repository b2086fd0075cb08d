/** An array as engines make them. */
export type EngineArray = Float32Array | Int32Array | Float64Array;

/** The arrays that an engine has made, so that none is given back twice and none is used afterwards. */
export class ArrayLedger {
  readonly #inUse = new WeakMap<ArrayBufferView, boolean>();

  /** Notes a new array, and returns it. */
  note<A extends EngineArray>(array: A): A {
    this.#inUse.set(array, true);
    return array;
  }

  /** Whether this is the engine's own array and was in use until now. */
  giveBack(array: EngineArray): boolean {
    if (this.#inUse.get(array) !== true) return false;
    this.#inUse.set(array, false);
    return true;
  }

  /** Whether an array was given back. Views of it are other arrays, of which this does not know. */
  isFree(array: unknown): boolean {
    return ArrayBuffer.isView(array) && this.#inUse.get(array) === false;
  }
}
