/** A thread of the WebAssembly engine: another instance over the same memory, which never returns from its loop. */
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

if (typeof process === "object" && process.versions?.node) {
  const { parentPort, workerData } = await import("node:worker_threads");
  if (parentPort) await start(workerData as WorkerStart, () => parentPort.postMessage("ready"));
} else {
  const scope = globalThis as unknown as WebScope;
  scope.onmessage = ({ data }) => void start(data, () => scope.postMessage("ready"));
}
