import type * as tfjs from "@tensorflow/tfjs-core";
import { MuldeError } from "@mulde/errors";

/** The TensorFlow.js core module. Every function that computes with tensors takes it as its first argument. */
export type Tf = typeof tfjs;

/** A TensorFlow.js engine: `@tensorflow/tfjs-node`, `@tensorflow/tfjs-backend-wasm` or `@tensorflow/tfjs-backend-cpu`. */
export type TfBackend = "node" | "wasm" | "cpu";

/** Which engine runs, and why the faster ones do not. */
export interface TfInfo {
  readonly backend: TfBackend;
  /** The reason for each engine that was tried and did not load. */
  readonly skipped: Readonly<Partial<Record<TfBackend, string>>>;
}

/** Fastest first, as measured on the RotH encoder. */
const ORDER: readonly TfBackend[] = ["node", "wasm", "cpu"];

/** The engines' names in tfjs-core. */
const REGISTERED: Readonly<Record<TfBackend, string>> = { node: "tensorflow", wasm: "wasm", cpu: "cpu" };

/** A variable, so that bundlers for browsers do not look for this optional peer, which only Node can load. */
const NODE_PACKAGE = "@tensorflow/tfjs-node";

const failures = new Map<TfBackend, MuldeError>();
let active: TfBackend | undefined;
let last: Promise<unknown> = Promise.resolve();

/**
 * Loads TensorFlow.js with gradients and the fastest engine: tfjs-node if it is installed and loads, else WASM, else cpu.
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
  const turn = last.then(() => load(preferred));
  last = turn.catch(() => undefined);
  return turn;
}

/** The engine that `loadTf` chose and why it skipped others; undefined before the first call. */
export function tfBackend(): TfInfo | undefined {
  if (active === undefined) return undefined;
  const skipped = Object.fromEntries([...failures].map(([backend, error]) => [backend, error.reason]));
  return { backend: active, skipped };
}

async function load(preferred: TfBackend | undefined): Promise<Tf> {
  const forced = checked(typeof process === "undefined" ? undefined : process.env.MULDE_TFJS, "MULDE_TFJS");
  const first = forced ?? checked(preferred, "the preferred TensorFlow.js backend") ?? active;
  const order = forced ? [forced] : first ? [first, ...ORDER.filter((backend) => backend !== first)] : ORDER;
  const tf = await import("@tensorflow/tfjs-core");
  for (const backend of order) {
    if (backend === active && tf.getBackend() === REGISTERED[backend]) return tf;
    if (failures.has(backend)) continue;
    try {
      await activate(tf, backend);
      active = backend;
      return tf;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message.split("\n")[0]!.trim() : String(cause);
      failures.set(backend, new MuldeError("TFJS_UNAVAILABLE", reason, { cause }));
    }
  }
  const reasons = order.map((backend) => `${backend}: ${failures.get(backend)!.reason}`).join("; ");
  throw new MuldeError(
    "TFJS_UNAVAILABLE",
    forced
      ? `MULDE_TFJS=${forced} asks for a TensorFlow.js backend that does not load (${reasons}); install it or unset MULDE_TFJS.`
      : `No TensorFlow.js backend loads (${reasons}); reinstall @tensorflow/tfjs-backend-cpu.`,
    { cause: failures.get(order[0]!)?.cause },
  );
}

function checked(value: string | undefined, where: string): TfBackend | undefined {
  if (value === undefined || value === "") return undefined;
  const known = ORDER.find((backend) => backend === value);
  if (known) return known;
  throw new MuldeError("TFJS_UNKNOWN_BACKEND", `${where} is "${value}"; it must be one of ${ORDER.join(", ")}.`);
}

async function activate(tf: Tf, backend: TfBackend): Promise<void> {
  if (backend === "node") await loadTfjsNode();
  else if (backend === "wasm") await import("@tensorflow/tfjs-backend-wasm");
  else await import("@tensorflow/tfjs-backend-cpu");
  if (!(await tf.setBackend(REGISTERED[backend]))) {
    throw new MuldeError("TFJS_UNAVAILABLE", `The TensorFlow.js backend ${backend} did not start.`);
  }
  // On Node, tfjs-core registers no gradients itself; @tensorflow/tfjs does, a dependency of tfjs-node. The registry is global.
  const gradient: unknown = tf.getGradient("Multiply");
  if (gradient === undefined) await import("@tensorflow/tfjs-core/dist/register_all_gradients.js");
  // Without tfjs-node, tfjs prints a banner at the first tensor unless it is in production mode.
  const production = tf.env().getBool("PROD");
  tf.env().set("PROD", true);
  tf.scalar(0).dispose();
  tf.env().set("PROD", production);
}

async function loadTfjsNode(): Promise<void> {
  if (typeof process === "undefined" || !process.versions.node) throw new Error("tfjs-node runs in Node only");
  // tfjs-node 4.22 calls two functions of node:util that Node 23 removed.
  const util = (await import("node:util")).default as unknown as Record<string, unknown>;
  util.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  util.isArray ??= Array.isArray;
  // TensorFlow's C++ logs at start; level 2 leaves errors only. A value that the user has set stays.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
  await import(/* @vite-ignore */ /* webpackIgnore: true */ NODE_PACKAGE);
}
