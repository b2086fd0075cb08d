import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import type { Host, Place, Thread, ThreadStart } from "./_host.js";
import { loop } from "./_worker-source.js";
import { nativeEngine } from "./native.js";

const nodeWorker = (): string => `${loop}const { parentPort, workerData } = require("node:worker_threads");
void loop(workerData, () => parentPort.postMessage("ready"));
`;

/** Node.js, and runtimes that have its modules. */
export const node: Host = {
  setting: (variable) => {
    const value = process.env[variable];
    return value === "" ? undefined : value;
  },
  cores: () => availableParallelism(),
  native: nativeEngine,
  unshared: () => undefined,
  read: async (place) => {
    const url = urlOf(place);
    return url.protocol === "file:" ? readFile(url) : fetch(url);
  },
  startThread,
  warn: (message) => {
    process.emitWarning(message, "MuldeWarning");
  },
};

/** A path has no scheme. A single letter is a drive of Windows. */
function urlOf(place: Place): URL {
  return typeof place === "string" && !/^[a-z][a-z\d+.-]+:/i.test(place) ? pathToFileURL(place) : new URL(place);
}

async function startThread(start: ThreadStart): Promise<Thread> {
  // The process may run with flags that a worker refuses, such as --input-type.
  const worker = new Worker(nodeWorker(), { eval: true, workerData: start, execArgv: [] });
  await new Promise<void>((resolve, reject) => {
    worker.once("message", () => resolve());
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`the worker ended with code ${code}`)));
  });
  // A waiting thread must not keep the process alive.
  worker.unref();
  return {
    end: async () => {
      await worker.terminate();
    },
  };
}
