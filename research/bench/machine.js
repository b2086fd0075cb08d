// The machine that a bench ran on.
import { availableParallelism, cpus, loadavg } from "node:os";
import { createKernels } from "@mulde/kernels";
import { peakGflops } from "./peak.js";
import { torchVersion } from "./peer.js";

/**
 * Describes the machine. Peaks are the best of ten tries, of one core and of two together: if the second adds little, the host has given
 * it to others, and figures of two threads mean nothing.
 *
 * @param engine - of the kernels; undefined takes native if it loads, and the result tells which it was
 * @param peer - whether PyTorch is looked for
 */
export async function describeMachine({ engine, peer = true } = {}) {
  const peaks = [];
  let kernels;
  for (const threads of [1, 2]) {
    kernels = await createKernels({ engine, threads });
    const tries = Array.from({ length: 10 }, () => peakGflops(kernels));
    peaks.push(Number(Math.max(...tries).toFixed(1)));
    await kernels.engine.close();
  }
  return {
    // Some containers list none.
    cpu: cpus()[0]?.model ?? "unknown CPU",
    cores: availableParallelism(),
    engine: kernels.kind,
    isa: kernels.isa,
    peak_gflops: peaks[0],
    peak_gflops_of_two: peaks[1],
    // What else ran in the last minute.
    load: Number(loadavg()[0].toFixed(2)),
    node: process.version,
    torch: peer ? torchVersion() : null,
    date: new Date().toISOString().slice(0, 10),
  };
}
