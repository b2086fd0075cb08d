import type { Engine, KernelArgument } from "./engine.js";

type Scratch = Float32Array | Int32Array | Float64Array;

/**
 * The base of all groups of kernels: the engine, and scratch memory that calls keep for the next one, because fresh pages cost more time than
 * the work on them.
 */
export class KernelBase implements Disposable, AsyncDisposable {
  readonly #kept = new Map<string, Scratch>();
  readonly #sum = new Float64Array(1);

  constructor(readonly engine: Engine) {}

  /** The engine's kind: `native` or `wasm`. */
  get kind(): Engine["kind"] {
    return this.engine.kind;
  }
  /** The engine's instruction set. */
  get isa(): string {
    return this.engine.isa;
  }
  /** The engine's number of threads. */
  get threads(): number {
    return this.engine.threads;
  }

  /** @internal A float32 array of at least `length` values. The next call with the same name may get it again. */
  protected scratch(name: string, length: number): Float32Array {
    return this.#keep(name, length, (size) => this.engine.float32(size));
  }
  /** @internal */
  protected scratch32(name: string, length: number): Int32Array {
    return this.#keep(name, length, (size) => this.engine.int32(size));
  }
  /** @internal */
  protected scratch64(name: string, length: number): Float64Array {
    return this.#keep(name, length, (size) => this.engine.float64(size));
  }

  /** @internal Frees a scratch array if it is longer than `most`. */
  protected forget(name: string, most: number): void {
    const kept = this.#kept.get(name);
    if (!kept || kept.length <= most) return;
    this.#kept.delete(name);
    this.engine.free(kept);
  }

  /** @internal Calls a kernel that adds to a float64 in its last argument, and returns that. */
  protected sumOf(kernel: string, args: readonly KernelArgument[]): number {
    this.#sum[0] = 0;
    this.engine.call(kernel, [...args, this.#sum]);
    return this.#sum[0];
  }

  /** Frees the scratch memory. Later calls allocate it again. */
  dispose(): void {
    this.engine.free(...this.#kept.values());
    this.#kept.clear();
  }

  /** Frees the scratch memory and ends the engine's threads. */
  async close(): Promise<void> {
    this.dispose();
    await this.engine.close();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #keep<A extends Scratch>(name: string, length: number, make: (size: number) => A): A {
    // Each name is used with one kind of array.
    const old = this.#kept.get(name) as A | undefined;
    // The kernel will refuse shapes that give no valid length.
    const size = Number.isInteger(length) && length >= 0 ? length : 0;
    if (old && old.length >= size) return old;
    this.#kept.delete(name);
    this.engine.free(old ?? null);
    const fresh = make(size);
    this.#kept.set(name, fresh);
    return fresh;
  }
}
