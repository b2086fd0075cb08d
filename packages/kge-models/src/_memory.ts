import type { Engine } from "@mulde/kernels";

/**
 * The arrays of one owner, freed together and only once: freed twice, they would be somebody else's on WebAssembly. If the owner's
 * constructor throws, what it allocated until then is freed too.
 */
export class Memory {
  /** The engine, except that arrays from here belong to the owner. */
  readonly engine: Engine;
  #arrays: (Float32Array | Int32Array | Float64Array)[] = [];

  constructor(engine: Engine) {
    const own = <A extends Float32Array | Int32Array | Float64Array>(array: A): A => {
      this.#arrays.push(array);
      return array;
    };
    const allocators: Pick<Engine, "float32" | "int32" | "float64"> = {
      float32: (length) => own(engine.float32(length)),
      int32: (length) => own(engine.int32(length)),
      float64: (length) => own(engine.float64(length)),
    };
    this.engine = Object.assign(Object.create(engine) as Engine, allocators);
    this.#free = (arrays) => engine.free(...arrays);
  }

  readonly #free: (arrays: readonly (Float32Array | Int32Array | Float64Array)[]) => void;

  /** Allocates what `build` asks `engine` for; if it throws, everything is freed. */
  build<T>(build: (engine: Engine) => T): T {
    try {
      return build(this.engine);
    } catch (error) {
      this.free();
      throw error;
    }
  }

  free(): void {
    const arrays = this.#arrays;
    this.#arrays = [];
    this.#free(arrays);
  }
}
