import type { Engine, KernelArgument } from "./engine.js";

type Scratch = Float32Array | Int32Array | Float64Array;

/**
 * What every group of kernels builds on: the engine, and memory that a kernel needs only while it runs. It is kept for the next
 * call, since fresh pages cost more than the work on them.
 */
export class KernelBase {
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

  /** @internal Calls a kernel whose last argument is a float64 to which it adds. */
  protected sumOf(kernel: string, args: readonly KernelArgument[]): number {
    this.#sum[0] = 0;
    this.engine.call(kernel, [...args, this.#sum]);
    return this.#sum[0];
  }

  #keep<A extends Scratch>(name: string, length: number, make: (size: number) => A): A {
    // A name has one kind.
    const old = this.#kept.get(name) as A | undefined;
    // The kernel will refuse the shapes that make no length.
    if (!(Number.isInteger(length) && length >= 0)) return make(0);
    if (old && old.length >= length) return old;
    this.#kept.delete(name);
    this.engine.free(old ?? null);
    const fresh = make(length);
    this.#kept.set(name, fresh);
    return fresh;
  }
}
