// One hundred workers in turn, every other one terminated in a call; all must answer alike, and no thread may stay.
import { readdirSync } from "node:fs";
import { Worker } from "node:worker_threads";

const threads = () => (process.platform === "linux" ? readdirSync("/proc/self/task").length : 0);
const answers = new Set();
const after = [];
for (let i = 0; i < 100; i++) {
  const endless = i % 2 === 1;
  const worker = new Worker(new URL("worker.js", import.meta.url), { workerData: { endless } });
  const ended = new Promise((resolve, reject) => worker.on("exit", resolve).on("error", reject));
  answers.add(String(await new Promise((resolve, reject) => worker.on("message", resolve).on("error", reject))));
  if (endless) await worker.terminate();
  await ended;
  after.push(threads());
}
console.log(JSON.stringify({ answers: [...answers], grown: after.at(-1) - after[9] }));
