import { availableParallelism } from "node:os";
import { sharedKernels } from "@mulde/kge-models";
import { type Output, version } from "./_output.js";
import { paint } from "./_paint.js";
import { wrapped } from "./_text.js";

/** Which kernels run. */
export interface EngineInfo {
  /** such as `native (avx512)`, or `wasm` */
  readonly kernels: string;
  readonly threads: number;
  /** cores that this process may use */
  readonly cores: number;
  /** why no native kernels run, where none do */
  readonly reason?: string;
  /** what makes it slower than it could be */
  readonly warning?: string;
}

/** Starts this process's kernels and tells which they are. */
export async function engineInfo(): Promise<EngineInfo> {
  const { kind, isa, threads, fallback } = (await sharedKernels()).engine;
  const cores = availableParallelism();
  const warning =
    threads > cores
      ? `${threads} threads on ${cores} ${cores === 1 ? "core" : "cores"} wait for each other; set MULDE_THREADS=${cores}.`
      : undefined;
  return {
    kernels: kind === "native" ? `native (${isa})` : kind,
    threads,
    cores,
    ...(kind !== "native" && { reason: fallback ?? "WebAssembly was asked for (MULDE_KERNELS=wasm)" }),
    ...(warning !== undefined && { warning }),
  };
}

/** The first log lines of everything that computes: never a silent slow path. */
export async function logEngine(output: Output): Promise<EngineInfo> {
  const info = await engineInfo();
  const { kernels, threads, reason, warning } = info;
  const { dim } = paint(process.stderr);
  output.log(dim(`mulde ${version}, kernels: ${kernels}, ${threads} ${threads === 1 ? "thread" : "threads"}`));
  if (reason !== undefined) output.log(dim(wrapped(`Slower than native kernels: ${reason}.`)));
  if (warning !== undefined) output.log(wrapped(`Warning: ${warning}`));
  return info;
}
