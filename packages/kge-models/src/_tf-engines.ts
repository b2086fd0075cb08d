import type * as tfjs from "@tensorflow/tfjs-core";
import { MuldeError } from "@mulde/errors";
import { node, onNode } from "./_node.js";
import type { TfBackend, TfState } from "./_tf-state.js";

/** tfjs-core itself. Exported declarations do not name it: see tensors.ts. */
type Core = typeof tfjs;

/** Fastest first, as measured on the RotH encoder. */
const ORDER: readonly TfBackend[] = ["node", "wasm", "cpu"];

/** The engines' names in tfjs-core. */
const REGISTERED: Readonly<Record<TfBackend, string>> = { node: "tensorflow", wasm: "wasm", cpu: "cpu" };

/**
 * Variables, so that bundlers follow neither: tfjs-node is optional, and the other one's module does not bundle and brings files that nobody
 * would find.
 */
const PACKAGES = { node: "@tensorflow/tfjs-node", wasm: "@tensorflow/tfjs-backend-wasm" } as const;

/** Loads TensorFlow.js: see `loadTf`. */
export async function load(state: TfState, preferred: TfBackend | undefined): Promise<Core> {
  const { failures } = state;
  const forced = checked(onNode ? process.env.MULDE_TFJS : undefined, "MULDE_TFJS");
  const wanted = forced ?? checked(preferred, "the preferred TensorFlow.js backend");
  const tf = await importCore();
  if (!onNode && wanted === undefined && (await hasOwn(tf, state))) return tf;
  const first = wanted ?? ORDER.find((backend) => backend === state.active);
  const usual: readonly TfBackend[] = onNode ? ORDER : ["cpu"];
  const order = forced ? [forced] : first ? [first, ...usual.filter((backend) => backend !== first)] : usual;
  for (const backend of order) {
    if (backend === state.active && tf.getBackend() === REGISTERED[backend]) return tf;
    // What did not load in Node will not; a page may register an engine later.
    if (onNode && failures.has(backend)) continue;
    try {
      await activate(tf, backend);
      state.active = backend;
      failures.delete(backend);
      return tf;
    } catch (cause) {
      failures.set(backend, failure(cause));
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

async function importCore(): Promise<Core> {
  try {
    return await import("@tensorflow/tfjs-core");
  } catch (error) {
    const scope = globalThis as { require?: unknown };
    if (!onNode || scope.require !== undefined) throw error;
    // In ES modules that esbuild made, tfjs-core asks a `require` that is not there for node:util.
    scope.require = node("module").createRequire(process.execPath);
    try {
      return await import("@tensorflow/tfjs-core");
    } finally {
      delete scope.require;
    }
  }
}

function checked(value: string | undefined, where: string): TfBackend | undefined {
  if (value === undefined || value === "") return undefined;
  const known = ORDER.find((backend) => backend === value);
  if (known) return known;
  throw new MuldeError("TFJS_UNKNOWN_BACKEND", `${where} is "${value}"; it must be one of ${ORDER.join(", ")}.`);
}

function failure(cause: unknown): MuldeError {
  const reason = cause instanceof Error ? cause.message.split("\n")[0]!.trim() : String(cause);
  return new MuldeError("TFJS_UNAVAILABLE", reason, { cause });
}

/** Whether an engine runs that the page registered itself; tfjs-core chooses among several. */
async function hasOwn(tf: Core, state: TfState): Promise<boolean> {
  const names = tf.engine().backendNames();
  if (names.length === 0) return false;
  try {
    await tf.ready();
    state.active = tf.getBackend();
    await prepare(tf);
    return true;
  } catch (cause) {
    state.failures.set(names.join(", "), failure(cause));
    return false;
  }
}

async function activate(tf: Core, backend: TfBackend): Promise<void> {
  if (backend === "node") await loadTfjsNode();
  else if (backend === "cpu") await import("@tensorflow/tfjs-backend-cpu");
  else if (onNode) await import(/* @vite-ignore */ /* webpackIgnore: true */ PACKAGES.wasm);
  else if (!tf.engine().backendNames().includes("wasm")) {
    throw new Error(`in a page, import ${PACKAGES.wasm} and call its setWasmPaths first`);
  }
  if (!(await tf.setBackend(REGISTERED[backend]))) {
    throw new MuldeError("TFJS_UNAVAILABLE", `The TensorFlow.js backend ${backend} did not start.`);
  }
  await prepare(tf);
}

/** Gives an engine its gradients, and silences it. */
async function prepare(tf: Core): Promise<void> {
  // tfjs-core alone registers no gradients; @tensorflow/tfjs does, a dependency of tfjs-node. The registry is global.
  const gradient: unknown = tf.getGradient("Multiply");
  if (gradient === undefined) await import("./_gradients.js");
  // Without tfjs-node, tfjs prints a banner at the first tensor unless it is in production mode.
  const production = tf.env().getBool("PROD");
  tf.env().set("PROD", true);
  tf.scalar(0).dispose();
  tf.env().set("PROD", production);
}

async function loadTfjsNode(): Promise<void> {
  if (!onNode) throw new Error("tfjs-node runs in Node only");
  // tfjs-node 4.22 calls two functions of node:util that Node 23 removed.
  const util = node("util") as unknown as Record<string, unknown>;
  util.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  util.isArray ??= Array.isArray;
  // TensorFlow's C++ logs at start; level 2 leaves errors only. A value that the user has set stays.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
  await import(/* @vite-ignore */ /* webpackIgnore: true */ PACKAGES.node);
}
