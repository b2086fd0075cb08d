import { Interrupted } from "./_errors.js";

const signals = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Runs work that can be stopped: the first Ctrl-C aborts the signal, so that a checkpoint can be written; a second one ends the
 * process at once.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals): void => {
    const exitCode = signals[name as keyof typeof signals];
    if (controller.signal.aborted) process.exit(exitCode);
    controller.abort(new Interrupted(exitCode));
  };
  for (const name of Object.keys(signals)) process.on(name, stop);
  try {
    return await work(controller.signal);
  } finally {
    for (const name of Object.keys(signals)) process.off(name, stop);
  }
}
