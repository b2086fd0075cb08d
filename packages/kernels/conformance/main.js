// Runs the kernels' tests on Node, Bun or Deno, in the folder that build.js filled:
//   node main.js [--engines native,wasm,single] [--threads 1,2] [--every 1]
// The last line is the report as JSON. The exit code is 0 only if a test passed and none failed.
import process from "node:process";
import { parseArgs } from "node:util";
import { run } from "./conformance.js";

const { values } = parseArgs({
  options: { engines: { type: "string" }, threads: { type: "string" }, every: { type: "string", default: "1" } },
});
const { bun, deno, node } = process.versions;
const runtime = deno ? `Deno ${deno}` : bun ? `Bun ${bun}` : `Node ${node}`;
const report = await run({
  engines: values.engines?.split(","),
  threads: values.threads?.split(",").map(Number),
  every: Number(values.every),
});
for (const { test, message } of report.failures) console.error(`FAILED ${test}: ${message}`);
console.log(JSON.stringify({ host: `${runtime} ${process.platform}-${process.arch}`, ...report }));
process.exitCode = report.failed === 0 && report.passed > 0 ? 0 : 1;
