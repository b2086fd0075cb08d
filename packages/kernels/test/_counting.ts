import type { Engine } from "../src/index.js";

/** An engine, and the arrays that were made by it and not given back. */
export function counting(engine: Engine): { readonly engine: Engine; readonly live: Set<ArrayBufferView> } {
  const live = new Set<ArrayBufferView>();
  const noted = <A extends ArrayBufferView>(array: A): A => {
    live.add(array);
    return array;
  };
  return {
    live,
    engine: {
      ...engine,
      float32: (length) => noted(engine.float32(length)),
      int32: (length) => noted(engine.int32(length)),
      float64: (length) => noted(engine.float64(length)),
      free: (...arrays) => {
        for (const array of arrays) if (array) live.delete(array);
        engine.free(...arrays);
      },
    },
  };
}
