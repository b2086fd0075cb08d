// The engines of this machine.
import { createKernels } from "@mulde/kernels";

/** The instruction sets that the native engine has here, the widest first; none where it does not load. */
export async function nativeInstructionSets() {
  const found = [];
  for (const isa of ["avx512", "avx2", "neon"]) {
    const kernels = await createKernels({ engine: "native", isa, threads: 1 }).catch(() => undefined);
    if (kernels) found.push(isa);
  }
  return found;
}
