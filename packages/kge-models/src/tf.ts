import type { TfBackend, TfState } from "./_tf-state.js";
import type { Tf } from "./tensors.js";

/** Which engine runs, and why the faster ones do not. */
export interface TfInfo {
  /** a `TfBackend`, or in a page the name of the engine that you registered */
  readonly backend: string;
  /** The reason for each engine that was tried and did not load. */
  readonly skipped: Readonly<Record<string, string>>;
}

const state: TfState = { active: undefined, failures: new Map() };
let last: Promise<unknown> = Promise.resolve();

/**
 * Loads TensorFlow.js with gradients and the fastest engine: tfjs-node if it is installed and loads, else WASM, else cpu. In a page it is the
 * engine that you registered, such as WASM after its `setWasmPaths`, else cpu.
 * Later calls return the same module, and switch the engine only if they name another one.
 * It prints nothing to stdout; TensorFlow's C++ may log to stderr.
 *
 * @param preferred - The engine to try first; the others follow in their order. The environment variable
 *   `MULDE_TFJS=node|wasm|cpu` overrides it and allows no other engine.
 * @throws MuldeError TFJS_UNKNOWN_BACKEND if `MULDE_TFJS` or `preferred` is none of the three; TFJS_UNAVAILABLE if the forced
 *   engine, or every engine, fails to load
 */
export async function loadTf(preferred?: TfBackend): Promise<Tf> {
  // One call at a time: switching the engine of the shared tfjs-core instance is asynchronous.
  const turn = last.then(async () => {
    // Apart, so that whoever only asks a model does not load it.
    const { load } = await import("./_tf-engines.js");
    return load(state, preferred);
  });
  last = turn.catch(() => undefined);
  return turn;
}

/** The engine that `loadTf` chose and why it skipped others; undefined before the first call. */
export function tfBackend(): TfInfo | undefined {
  const { active, failures } = state;
  if (active === undefined) return undefined;
  const skipped = Object.fromEntries([...failures].map(([backend, error]) => [backend, error.reason]));
  return { backend: active, skipped };
}
