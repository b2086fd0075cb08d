import { Interrupted } from "./_errors.js";
import { listen } from "./signals.js";

/**
 * Runs work that can be stopped: the first Ctrl-C aborts the signal, so that a checkpoint can be written; a second one ends the
 * process at once.
 *
 * @throws Interrupted also if the work did not notice
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let stoppedBy: number | undefined;
  const unlisten = listen((exitCode) => {
    if (stoppedBy !== undefined) process.exit(exitCode);
    stoppedBy = exitCode;
    controller.abort(new Interrupted(exitCode));
  });
  try {
    const result = await work(controller.signal);
    // TypeScript does not see that the listener sets it.
    if (controller.signal.aborted) throw new Interrupted(stoppedBy!, "Stopped when all was done already.");
    return result;
  } finally {
    unlisten();
  }
}
