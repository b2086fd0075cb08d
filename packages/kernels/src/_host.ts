import type { Engine } from "./engine.js";
import type { NotNative } from "./native.js";

/** Where a file is: a URL, or a path in Node.js. */
export type Place = URL | string;

/** The script of a worker, or a function that starts one. */
export type WorkerSource = Place | (() => Worker);

/** What a thread of the WebAssembly engine gets: it runs another instance over the same memory, in a loop that never returns. */
export interface ThreadStart {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly stackTop: number;
}

/** A thread of the WebAssembly engine. */
export interface Thread {
  end(): Promise<void>;
}

/** What differs between Node.js and pages. Each entry of this package brings its own, so that no page loads a module of Node.js. */
export interface Host {
  /** A setting from the environment. An empty variable counts as unset. */
  setting(variable: string): string | undefined;
  /** The number of cores this process may use. */
  cores(): number;
  /** Makes the native engine, or says why there is none. Pages have none. */
  readonly native?: (threads: number, isa?: string) => Engine | NotNative;
  /** Why workers cannot share memory here, with the fix; undefined if they can. */
  unshared(): string | undefined;
  /** Reads a file. */
  read(place: Place): Promise<BufferSource | Response>;
  /** Starts a thread and waits until it is ready. Node.js needs no worker. */
  startThread(start: ThreadStart, worker: WorkerSource | undefined): Promise<Thread>;
  /** Warns the developer. */
  warn(message: string): void;
}
