import { MuldeError } from "@mulde/errors";

/** Something that runs, seen from outside: iterate over its events, await its result, or stop it. */
export interface Run<Event, Result> extends AsyncIterable<Event> {
  /** What the run ends with. Reading it starts the run if nobody iterates over its events. */
  readonly result: Promise<Result>;
  /**
   * Stops the run before its next step, after a checkpoint if it writes any. Iteration and `result` then reject with TRAINER_STOPPED, or
   * with the reason given.
   */
  stop(reason?: unknown): void;
}

/**
 * A run over a stream of events. It goes at its listener's pace: steps are taken while events are asked for. If the listener stops iterating,
 * the run ends and frees its memory.
 *
 * @param start - makes the stream, which must end when its signal aborts
 * @param signal - stops the run too
 */
export function startRun<Event, Result>(
  start: (signal: AbortSignal) => AsyncGenerator<Event, Result>,
  signal?: AbortSignal,
): Run<Event, Result> {
  return new StreamRun(start, signal);
}

class StreamRun<Event, Result> implements Run<Event, Result> {
  readonly #stop = new AbortController();
  readonly #stream: AsyncGenerator<Event, Result>;
  readonly #result: Promise<Result>;
  #settle!: { readonly resolve: (result: Result) => void; readonly reject: (reason: unknown) => void };
  #listened = false;

  constructor(start: (signal: AbortSignal) => AsyncGenerator<Event, Result>, signal?: AbortSignal) {
    this.#stream = start(signal ? AbortSignal.any([signal, this.#stop.signal]) : this.#stop.signal);
    this.#result = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    // Whoever iterates hears of a failure there; nobody has to read `result` as well.
    this.#result.catch(() => undefined);
  }

  get result(): Promise<Result> {
    if (!this.#listened) void this.#drain();
    return this.#result;
  }

  stop(reason: unknown = new MuldeError("TRAINER_STOPPED", "The run was stopped.")): void {
    this.#stop.abort(reason);
  }

  [Symbol.asyncIterator](): AsyncIterator<Event> {
    if (this.#listened) {
      throw new MuldeError(
        "TRAINER_RUN",
        "This run is being listened to already: iterate over a run once, or await its result.",
      );
    }
    this.#listened = true;
    return {
      next: async () => {
        try {
          const next = await this.#stream.next();
          if (!next.done) return next;
          this.#settle.resolve(next.value);
          return { done: true, value: undefined };
        } catch (error) {
          this.#settle.reject(error);
          throw error;
        }
      },
      return: async () => {
        this.#settle.reject(new MuldeError("TRAINER_STOPPED", "The run ended early, since nobody listened any more."));
        await this.#stream.return(undefined as never);
        return { done: true, value: undefined };
      },
    };
  }

  async #drain(): Promise<void> {
    const events = this[Symbol.asyncIterator]();
    try {
      while (!(await events.next()).done);
    } catch {
      // `result` has it.
    }
  }
}
