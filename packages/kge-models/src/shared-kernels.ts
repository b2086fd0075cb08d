import { createKernels, type Kernels } from "@mulde/kernels";

let kernels: Promise<Kernels> | undefined;

/** The kernels that models use unless they are given others; made at first use. */
export function sharedKernels(): Promise<Kernels> {
  kernels ??= createKernels();
  return kernels;
}
