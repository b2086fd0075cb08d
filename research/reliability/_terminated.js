// Terminates so many worker threads while they call kernels, three at a time, each after its own while; the process and the number of its
// threads must stay as they are. Every other wave the main thread calls kernels too, so that the addon outlives the wave.
//
//   node research/reliability/_terminated.js 300
import { readdirSync } from "node:fs";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { createKernels } from "@mulde/kernels";

const options = { positiveWeight: 1, negativeWeight: 1, adversarial: 0 };

if (isMainThread) await main(Number(process.argv[2] ?? 300));
else await work(workerData);

async function main(count) {
  const threads = [];
  for (let ended = 0; ended < count; ended += 3) {
    await wave(Math.min(3, count - ended));
    threads.push(readdirSync("/proc/self/task").length);
  }
  // Node's own threads may come at first, and the main thread's pool once it has made one.
  const half = threads.length >> 1;
  const [early, late] = [Math.max(...threads.slice(0, half)), Math.max(...threads.slice(half))];
  if (count >= 30 && late > early) throw new Error(`${early} threads became ${late}: ${threads.join(" ")}`);
  console.log(JSON.stringify({ terminated: count, threads: late }));
}

async function wave(size) {
  const workers = Array.from({ length: size }, (_, seed) => new Worker(new URL(import.meta.url), { workerData: seed }));
  await Promise.all(
    workers.map(async (worker) => {
      const ended = once(worker, "exit");
      await once(worker, "message");
      await sleep(Math.random() * 15);
      await worker.terminate();
      await ended;
    }),
  );
  if (Math.random() < 0.5) await calls({ threads: 2, rounds: 2 });
}

/** Calls until it is terminated, with a pool that another worker may resize at any time. */
async function work(seed) {
  await calls({ threads: 2 + seed, rounds: Infinity, told: () => parentPort.postMessage("at work") });
}

async function calls({ threads, rounds, told }) {
  const kernels = await createKernels({ engine: "native", threads });
  const scores = kernels.engine.float32(40_000);
  for (let i = 0; i < rounds; i++) {
    kernels.bce(400, 100, scores, options, scores);
    if (i === 0) told?.();
  }
  await kernels.engine.close();
}
