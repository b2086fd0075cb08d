import { createKernels, type Kernels } from "@mulde/kernels";

let kernels: Promise<Kernels> | undefined;

/** The kernels that all models share unless they get others; created at the first call. */
export function sharedKernels(): Promise<Kernels> {
  kernels ??= createKernels();
  return kernels;
}
