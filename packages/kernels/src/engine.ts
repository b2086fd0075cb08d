/** An argument of a kernel: a typed array, null for an optional one, or a number. */
export type KernelArgument = Float32Array | Float64Array | Int32Array | number | null;

/**
 * What runs the kernels: the native addon or WebAssembly. Arrays made by `float32`, `int32` and `float64` are used in place. Other typed arrays work
 * too, but WebAssembly copies them in and out at each call.
 */
export interface Engine extends AsyncDisposable {
  readonly kind: "native" | "wasm";
  /** The instruction set: `avx512`, `avx2`, `neon` or `wasm`. */
  readonly isa: string;
  readonly threads: number;
  /** Why the native engine does not run, if WebAssembly was not requested. */
  readonly fallback?: string;
  /** Makes a zeroed array over shared memory, aligned to 64 bytes. */
  float32(length: number): Float32Array;
  int32(length: number): Int32Array;
  float64(length: number): Float64Array;
  /**
   * Frees arrays of this engine. Do not use them afterwards: kernels then throw `KERNELS_FREED`. Ignores other arrays, views of the engine's arrays,
   * and arrays that are already free.
   */
  free(...arrays: readonly (Float32Array | Int32Array | Float64Array | null)[]): void;
  /**
   * Bytes of the arrays that this engine made and that were not freed. An array that was dropped without `free` counts too, even where the garbage
   * collector frees its memory, as on the native engine.
   */
  bytesInUse(): number;
  /**
   * Runs a kernel by name. It checks its arguments first, as described at `Kernels`.
   *
   * @throws MuldeError KERNELS_UNKNOWN for a name that no kernel has
   */
  call(kernel: string, args: readonly KernelArgument[]): void;
  /** Ends the engine's own threads. Kernels still run, on the caller's thread. The native pool is process-wide and stays. */
  close(): Promise<void>;
}
