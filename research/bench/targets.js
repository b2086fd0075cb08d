// The bench's cases and their targets.

/** The cases by kind, in the order in which they run. */
export const steps = ["pretrain", "distil", "onevsall", "rank", "topk"];
export const epochs = ["plain-epoch", "pretrain-epoch", "distil-epoch", "onevsall-epoch"];
export const cases = [...steps, ...epochs, "peak"];

/** The steps that run with one thread and with two. */
export const threaded = ["distil", "onevsall"];

const targets = {
  /** Times as fast as the peer at least, natively both with two threads, in WebAssembly both with one. */
  ratio: {
    distil: { native: 20, wasm: 4 },
    pretrain: { native: 15, wasm: 4 },
    onevsall: { native: { "fb15k-237": 8, wn18rr: 12 }, wasm: 2 },
    rank: { native: 20, wasm: 5 },
  },
  /** Times as fast with two threads as with one, at least. */
  speedup: { distil: { native: 1.7, wasm: 1.5 }, onevsall: { native: 1.7, wasm: 1.5 } },
  /** Seconds at most, natively on two cores. */
  seconds: {
    "distil-epoch": { native: { "fb15k-237": 25, wn18rr: 20 } },
    "plain-epoch": { native: { "fb15k-237": 2.2, wn18rr: 0.9 } },
  },
  /** MB at most of the whole process, at its peak. */
  memory: { "distil-epoch": { native: { wn18rr: 400 } } },
  /** Part of the cores' peak, at least. */
  share: { products: { native: 0.85 }, onevsall: { native: 0.5 } },
};

/** The target of one measure for a case, or null if it has none; `--mini` has none. */
export function target(measure, name, data, engine) {
  if (data === "mini") return null;
  const figure = targets[measure][name]?.[engine];
  return (typeof figure === "object" ? figure[data] : figure) ?? null;
}
