import type { Engine, KernelArgument } from "./engine.js";

type Scratch = Float32Array | Int32Array | Float64Array;

/**
 * What every group of kernels builds on: the engine, and memory that a kernel needs only while it runs. It is kept for the next
 * call, since fresh pages cost more than the work on them.
 */
export class KernelBase implements Disposable, AsyncDisposable {
  readonly #kept = new Map<string, Scratch>();
  readonly #sum = new Float64Array(1);

  constructor(readonly engine: Engine) {}

  /** Which engine runs the kernels. */
  get kind(): Engine["kind"] {
    return this.engine.kind;
  }
  /** The engine's instruction set. */
  get isa(): string {
    return this.engine.isa;
  }
  get threads(): number {
    return this.engine.threads;
  }

  /** @internal A float32 array of at least `length` values that the next call with this name may get again. */
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

  /** @internal Gives a scratch array back if it is longer than `most`. */
  protected forget(name: string, most: number): void {
    const kept = this.#kept.get(name);
    if (!kept || kept.length <= most) return;
    this.#kept.delete(name);
    this.engine.free(kept);
  }

  /** @internal Calls a kernel whose last argument is a float64 to which it adds. */
  protected sumOf(kernel: string, args: readonly KernelArgument[]): number {
    this.#sum[0] = 0;
    this.engine.call(kernel, [...args, this.#sum]);
    return this.#sum[0];
  }

  /** Gives the kept memory back. Calls make it anew. */
  dispose(): void {
    this.engine.free(...this.#kept.values());
    this.#kept.clear();
  }

  /** Gives the kept memory back and ends the engine's threads. */
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
    // A name has one kind.
    const old = this.#kept.get(name) as A | undefined;
    // Shapes that make no length are the kernel's to refuse.
    const size = Number.isInteger(length) && length >= 0 ? length : 0;
    if (old && old.length >= size) return old;
    this.#kept.delete(name);
    this.engine.free(old ?? null);
    const fresh = make(size);
    this.#kept.set(name, fresh);
    return fresh;
  }
}
