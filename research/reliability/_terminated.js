// Terminates so many worker threads, three at a time, each at a random moment while it loads the kernels or calls them: the process must live on,
// with no more threads than before. In the second half the main thread has the kernels too, so that the addon outlives the workers.
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
  await half(count >> 1);
  // Made anew each time, since the workers resize the pool, which is the process's.
  const beside = async () => calls(await createKernels({ engine: "native", threads: 2 }), 2);
  await beside();
  await half(count - (count >> 1), beside);
}

/** Ends so many workers, with something beside; threads must not pile up. */
async function half(count, beside) {
  const threads = [];
  for (let ended = 0; ended < count; ended += 3) {
    await Promise.all(Array.from({ length: Math.min(3, count - ended) }, (_, i) => oneWorker(i)));
    await beside?.();
    threads.push(readdirSync("/proc/self/task").length);
  }
  // Node starts threads of its own at first.
  const start = Math.ceil(threads.length / 2);
  const [early, late] = [Math.max(...threads.slice(0, start)), Math.max(...threads.slice(start))];
  if (late > early) throw new Error(`${early} threads became ${late}: ${threads.join(" ")}`);
  console.log(JSON.stringify({ terminated: count, threads: late }));
}

async function oneWorker(i) {
  const worker = new Worker(new URL(import.meta.url), { workerData: i });
  const ended = once(worker, "exit");
  // Two of three are at work when they end; the other one may be anywhere before.
  if (i > 0) await once(worker, "message");
  await sleep(Math.random() * (i > 0 ? 15 : 300));
  await worker.terminate();
  await ended;
}

/** Calls until it is terminated, with a pool that other workers resize. */
async function work(i) {
  const kernels = await createKernels({ engine: "native", threads: 2 + i });
  calls(kernels, 1);
  parentPort.postMessage("at work");
  calls(kernels, Infinity);
}

function calls(kernels, rounds) {
  const scores = kernels.engine.float32(40_000);
  for (let i = 0; i < rounds; i++) kernels.bce(400, 100, scores, options, scores);
}
