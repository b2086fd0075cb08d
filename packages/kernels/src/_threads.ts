import { isNode } from "./_host.js";
import type { WorkerStart } from "./_worker.js";

/** A thread of the WebAssembly engine. */
export interface Thread {
  end(): Promise<void>;
}

/** Starts a thread and waits until it is ready. */
export async function startThread(start: WorkerStart): Promise<Thread> {
  const url = new URL(import.meta.url.endsWith(".ts") ? "../dist/_worker.js" : "./_worker.js", import.meta.url);
  return isNode ? nodeThread(url, start) : webThread(url, start);
}

async function nodeThread(url: URL, start: WorkerStart): Promise<Thread> {
  const { Worker } = await import("node:worker_threads");
  // A program on the command line may run with flags such as --input-type, which are invalid for a file.
  const worker = new Worker(url, { workerData: start, execArgv: [] });
  await new Promise<void>((resolve, reject) => {
    worker.once("message", () => resolve());
    worker.once("error", reject);
  });
  // A waiting thread must not keep the process alive.
  worker.unref();
  return {
    end: async () => {
      await worker.terminate();
    },
  };
}

async function webThread(url: URL, start: WorkerStart): Promise<Thread> {
  const worker = new Worker(url, { type: "module" });
  await new Promise<void>((resolve, reject) => {
    worker.onmessage = () => resolve();
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(start);
  });
  return {
    end: () => {
      worker.terminate();
      return Promise.resolve();
    },
  };
}
