import { isNode } from "./_host.js";

/** What a thread of the WebAssembly engine gets: it runs another instance over the same memory, in a loop that never returns. */
export interface WorkerStart {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly stackTop: number;
}

async function start({ module, memory, stackTop }: WorkerStart, ready: () => void): Promise<void> {
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  (exports.__stack_pointer as WebAssembly.Global).value = stackTop;
  ready();
  (exports.workerLoop as () => void)();
}

interface WebScope {
  onmessage: ((event: { readonly data: WorkerStart }) => void) | null;
  postMessage(message: unknown): void;
}

if (isNode) {
  const threads = await import("node:worker_threads");
  const port = threads.parentPort;
  if (port) await start(threads.workerData as WorkerStart, () => port.postMessage("ready"));
} else {
  const scope = globalThis as unknown as WebScope;
  scope.onmessage = ({ data }) => void start(data, () => scope.postMessage("ready"));
}
