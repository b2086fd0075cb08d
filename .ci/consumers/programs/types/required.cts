// The same from CommonJS.
import { createKernels, type Kernels } from "@mulde/kernels";
import { summarise } from "@mulde/eval";

export const kernels: Promise<Kernels> = createKernels();
export const mrr: number = summarise([1, 2], 5).mrr;
