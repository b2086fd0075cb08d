/** What a kernel call takes: typed arrays, null where an array is left out, and numbers. */
export type KernelArgument = Float32Array | Float64Array | Int32Array | number | null;

/**
 * A way to run the kernels: the native addon or WebAssembly. Arrays from its `float32`, `int32` and `float64` are used in
 * place; any other typed array works too, at the price of a copy in and out where the engine has a memory of its own.
 */
export interface Engine extends AsyncDisposable {
  readonly kind: "native" | "wasm";
  /** Instruction set: `avx512`, `avx2`, `neon` or `wasm`. */
  readonly isa: string;
  readonly threads: number;
  /** Why the native engine is not used, where WebAssembly serves in its place without having been asked for. */
  readonly fallback?: string;
  /** Zeroed arrays over shared memory, aligned to 64 bytes. */
  float32(length: number): Float32Array;
  int32(length: number): Int32Array;
  float64(length: number): Float64Array;
  /**
   * Gives arrays of this engine back. They must not be used afterwards: a call with one of them throws `KERNELS_FREED`. Arrays of other origin,
   * views of the engine's arrays and arrays that were given back already are left alone.
   */
  free(...arrays: readonly (Float32Array | Int32Array | Float64Array | null)[]): void;
  /**
   * Runs a kernel by its name. It checks its arguments first and touches nothing outside the arrays.
   *
   * @throws MuldeError KERNELS_UNKNOWN for another name; KERNELS_FREED for an array that was given back; KERNELS_BAD_ARGUMENT,
   * KERNELS_BAD_SHAPE, KERNELS_BAD_LENGTH, KERNELS_BAD_ID or KERNELS_BAD_ORDER, with the argument's `path` and `value`
   */
  call(kernel: string, args: readonly KernelArgument[]): void;
  /** Ends the engine's threads. Calls go on working, on the caller's thread. */
  close(): Promise<void>;
}
