import type { MuldeError } from "@mulde/errors";

/** A TensorFlow.js engine: `@tensorflow/tfjs-node`, `@tensorflow/tfjs-backend-wasm` or `@tensorflow/tfjs-backend-cpu`. */
export type TfBackend = "node" | "wasm" | "cpu";

/** What runs, and what does not. */
export interface TfState {
  active: string | undefined;
  readonly failures: Map<string, MuldeError>;
}
