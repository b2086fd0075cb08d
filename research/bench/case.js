// One case on one engine, in a process of its own, so that peak memory is the case's: prints one JSON line.
//   node research/bench/case.js CASE DATA ENGINE THREADS REPETITIONS
import { epochs } from "./epochs.js";
import { peak } from "./peak.js";
import { createSetting } from "./setting.js";
import { steps } from "./steps.js";

const [name, data, engine, threads, repetitions] = process.argv.slice(2);
const setting = await createSetting(data, engine, Number(threads));
const result = await { ...steps, ...epochs, peak }[name](setting, Number(repetitions));
await setting.kernels.engine.close();
const rss = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(JSON.stringify({ isa: setting.kernels.isa, ...result, max_rss_mb: rss }));
