import { createKernels } from "@mulde/kernels";
import { sharedKernels } from "@mulde/kge-models";
import { type Output, paint, version } from "./_output.js";

/** Which kernels run. */
export interface EngineInfo {
  /** such as `native (avx512)`, or `wasm` */
  readonly kernels: string;
  readonly threads: number;
  /** why no native kernels run, where none do */
  readonly reason?: string;
}

/** Starts this process's kernels and tells which they are. */
export async function engineInfo(): Promise<EngineInfo> {
  const { kind, isa, threads } = (await sharedKernels()).engine;
  if (kind === "native") return { kernels: `native (${isa})`, threads };
  return { kernels: kind, threads, reason: await whyNotNative() };
}

/** The first log line of everything that computes: never a silent slow path. */
export async function logEngine(output: Output): Promise<EngineInfo> {
  const info = await engineInfo();
  const { kernels, threads, reason } = info;
  const colours = paint(process.stderr);
  const line = `mulde ${version}, kernels: ${kernels}, ${threads} ${threads === 1 ? "thread" : "threads"}`;
  output.log(colours.dim(reason === undefined ? line : `${line}; slower than native ones, as ${reason}`));
  return info;
}

async function whyNotNative(): Promise<string> {
  if (process.env["MULDE_KERNELS"] === "wasm") return "MULDE_KERNELS=wasm asks for it";
  try {
    await createKernels({ engine: "native" });
    return "they were not chosen";
  } catch (error) {
    return (error as Error).message.replace(/^Native kernels were asked for, but /, "").replace(/\.$/, "");
  }
}
