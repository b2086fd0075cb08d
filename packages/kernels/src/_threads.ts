import { MuldeError } from "@mulde/errors";
import type { Heap } from "./_heap.js";
import type { Host, Thread, WorkerSource } from "./_host.js";

// As large as the main instance's stack (scripts/build-wasm.js).
const stackBytes = 2 << 20;

/** How many threads an engine gets. */
export interface ThreadOptions {
  readonly threads: number;
  /** Whether fewer threads will not do. */
  readonly exactly?: boolean;
  readonly worker?: WorkerSource | undefined;
}

/**
 * Starts the threads that help the caller's, or fewer where the host has no more and they need not be so many.
 *
 * @param memory - the memory that the threads share; undefined if the kernels run in other memory
 */
export async function startThreads(
  host: Host,
  { threads, exactly = false, worker }: ThreadOptions,
  heap: Heap,
  module: WebAssembly.Module,
  memory: WebAssembly.Memory | undefined,
): Promise<Thread[]> {
  if (threads === 1) return [];
  const obstacle = host.unshared() ?? (memory ? undefined : "this WebAssembly module is made for one thread");
  if (obstacle !== undefined || !memory) {
    if (exactly) throw tooMany(threads, obstacle!);
    return [];
  }
  const started: Thread[] = [];
  let failure: unknown;
  const startOne = async (): Promise<void> => {
    const stack = heap.allocate(stackBytes);
    try {
      started.push(await host.startThread({ module, memory, stackTop: stack + stackBytes }, worker));
    } catch (error) {
      heap.release(stack);
      failure ??= error;
    }
  };
  // Where the first does not start, none does.
  await startOne();
  if (failure === undefined) await Promise.all(Array.from({ length: threads - 2 }, startOne));
  if (failure === undefined || !exactly) return started;
  await Promise.all(started.map((thread) => thread.end()));
  throw tooMany(threads, `a worker does not start (${(failure as Error).message})`, failure);
}

function tooMany(threads: number, obstacle: string, cause?: unknown): MuldeError {
  const reason = `${threads} threads cannot run here: ${obstacle}. Or leave the option out: one thread gives the same results.`;
  return new MuldeError("KERNELS_NO_THREADS", reason, { path: ["threads"], value: threads, cause });
}
