// One hundred workers in turn, each with kernels of its own; every other one is terminated in the middle of a call:
//   node workers.js [native|wasm]
// By default both engines; where no native kernels are installed, it says so and runs WebAssembly alone. The last line is
// "N passed, N failed", where each worker is one case and the process's threads are another.
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import process from "node:process";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { createKernels } from "@mulde/kernels";

const count = 100;
const [rows, columns] = [2000, 100];

/** A worker's life: one call and a result, or calls until it is terminated. */
async function work({ engine, forever }) {
  const kernels = await createKernels({ engine, threads: 2 });
  const scores = kernels.engine.float32(rows * columns);
  const gradient = kernels.engine.float32(rows * columns);
  for (let i = 0; i < scores.length; i++) scores[i] = Math.sin(i);
  const options = { positiveWeight: 1, negativeWeight: 1, adversarial: 0.5 };
  const call = () => kernels.bce(rows, columns, scores, options, gradient);
  parentPort.postMessage(call());
  while (forever) call();
  await kernels.close();
}

const threads = () => (existsSync("/proc/self/task") ? readdirSync("/proc/self/task").length : undefined);

async function workersOf(engine) {
  let [passed, failed] = [0, 0];
  const check = (holds, what) => {
    if (holds) return passed++;
    failed++;
    console.log(`FAILED ${engine}: ${what}`);
  };
  const losses = new Set();
  const running = [];
  for (let i = 0; i < count; i++) {
    const forever = i % 2 === 1;
    const worker = new Worker(new URL(import.meta.url), { workerData: { engine, forever } });
    const ended = once(worker, "exit");
    try {
      const [loss] = await Promise.race([once(worker, "message"), ended.then(([code]) => [`ended with code ${code}`])]);
      if (forever) await worker.terminate();
      const [code] = await ended;
      losses.add(loss);
      check(
        losses.size === 1 && Number.isFinite(loss) && (forever || code === 0),
        `worker ${i}: ${loss}, code ${code}`,
      );
    } catch (error) {
      check(false, `worker ${i}: ${error.message}`);
    }
    running.push(threads());
  }
  // The system may take a moment to end a thread; a leak would be one or two for each worker.
  const [early, late] = [running.slice(0, 10), running.slice(-10)].map((some) => Math.max(...some));
  if (running[0] !== undefined) check(late <= early + 5, `${early} threads at first, ${late} at last`);
  console.log(
    `${engine}: ${passed} passed, ${failed} failed; threads of the process: ${early} at first, ${late} at last`,
  );
  return [passed, failed];
}

async function main() {
  const wanted = process.argv.slice(2);
  const engines = wanted.length > 0 ? wanted : ["wasm"];
  if (wanted.length === 0) {
    const { kind, engine } = await createKernels({ threads: 1 });
    if (kind === "native") engines.unshift("native");
    else console.log(`native: not run, because ${engine.fallback ?? "WebAssembly was requested"}`);
  }
  let sums = [0, 0];
  for (const engine of engines) {
    const found = await workersOf(engine);
    sums = sums.map((sum, i) => sum + found[i]);
  }
  console.log(`${sums[0]} passed, ${sums[1]} failed`);
  process.exitCode = sums[1] === 0 ? 0 : 1;
}

await (isMainThread ? main() : work(workerData));
