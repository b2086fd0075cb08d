// The machine that a bench ran on.
import { availableParallelism, cpus, loadavg } from "node:os";
import { createKernels } from "@mulde/kernels";
import { peakGflops } from "./peak.js";
import { torchVersion } from "./peer.js";

/**
 * `engine` undefined: native where there is one, which `engine` of the result tells. Peaks, the best of ten, are one core's and two cores'
 * together: where the second adds little, the host has given it away, and figures of two threads mean nothing.
 */
export async function describeMachine(engine) {
  const peaks = [];
  let kernels;
  for (const threads of [1, 2]) {
    kernels = await createKernels({ engine, threads });
    const tries = Array.from({ length: 10 }, () => peakGflops(kernels));
    peaks.push(Number(Math.max(...tries).toFixed(1)));
    await kernels.engine.close();
  }
  return {
    cpu: cpus()[0].model,
    cores: availableParallelism(),
    engine: kernels.kind,
    isa: kernels.isa,
    peak_gflops: peaks[0],
    peak_gflops_of_two: peaks[1],
    // What else ran in the last minute.
    load: Number(loadavg()[0].toFixed(2)),
    node: process.version,
    torch: torchVersion ?? null,
    date: new Date().toISOString().slice(0, 10),
  };
}
