import type { Host, Thread, ThreadStart, WorkerSource } from "./_host.js";
import { webWorker } from "./_worker-source.js";

/** Pages, their workers, and edge runtimes. */
export const web: Host = {
  setting: () => undefined,
  cores: () => (globalThis.navigator as Navigator | undefined)?.hardwareConcurrency ?? 1,
  unshared: () => {
    if (typeof Worker === "undefined") return "this host has no workers";
    if (globalThis.crossOriginIsolated) return undefined;
    return "this page is not cross-origin isolated; serve it with the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp";
  },
  read: (place) => fetch(place),
  startThread,
  warn: (message) => {
    console.warn(message);
  },
};

// Bundlers follow this form.
const fromFile = () => new Worker(new URL("./_worker.js", import.meta.url), { type: "module" });

function fromText(): Worker {
  const url = URL.createObjectURL(new Blob([webWorker()], { type: "text/javascript" }));
  const worker = new Worker(url);
  URL.revokeObjectURL(url);
  return worker;
}

let usual = fromFile;

async function startThread(start: ThreadStart, source: WorkerSource | undefined): Promise<Thread> {
  if (typeof source === "function") return threadOf(source(), start);
  if (source !== undefined) return threadOf(new Worker(source, { type: "module" }), start);
  try {
    return await threadOf(usual(), start);
  } catch (error) {
    if (usual === fromText) throw error;
    // A bundler left the file behind, or it comes from another origin.
    usual = fromText;
    return threadOf(usual(), start);
  }
}

async function threadOf(worker: Worker, start: ThreadStart): Promise<Thread> {
  const end = (): Promise<void> => {
    worker.terminate();
    return Promise.resolve();
  };
  try {
    await new Promise<void>((resolve, reject) => {
      worker.onmessage = ({ data }) => (data === "ready" ? resolve() : reject(new Error(String(data))));
      worker.onerror = (event) => {
        // The page would report it as uncaught.
        event.preventDefault();
        reject(
          new Error(event.message || "its script does not load; give the URL of @mulde/kernels/worker.js as `worker`"),
        );
      };
      worker.postMessage(start);
    });
  } catch (error) {
    await end();
    throw error;
  }
  return { end };
}
