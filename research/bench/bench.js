// Mulde beside careful PyTorch, case by case in one run:
//   pnpm bench [--json] [--reps N] [--case a,b] [--data a,b] [--engine native,wasm] [--mini]
// Prints tables, or with --json the machine's line and then a line for each figure, in sections:
//   steps    median_ms, peer_ms, their ratio and its target
//   threads  median_ms with two threads, one_thread_ms with one, speedup and its target
//   epochs   seconds and their target, max_rss_mb and target_mb; natively, or in WebAssembly if that is the only engine; from the
//            archives in $MULDE_DATASETS_MIRROR or ../shared/datasets, else with random triples
//   peak     gflops, the peak_gflops of as many cores as threads, their share and its target
// --mini runs each case once on a tiny graph, without PyTorch, to show that it works; its times mean nothing.
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { describeMachine } from "./machine.js";
import { lastLine, peer } from "./peer.js";
import { dataNames } from "./shapes.js";
import { machineText, tables } from "./table.js";
import { cases, epochs, target, threaded } from "./targets.js";

const caseScript = fileURLToPath(new URL("case.js", import.meta.url));
// Two threads against two, and in WebAssembly one against one.
const usualThreads = { native: 2, wasm: 1 };

function readFlags() {
  const { values } = parseArgs({
    options: {
      json: { type: "boolean", default: false },
      reps: { type: "string", default: "10" },
      case: { type: "string", default: cases.join() },
      data: { type: "string", default: dataNames.join() },
      engine: { type: "string" },
      mini: { type: "boolean", default: false },
    },
  });
  if (!/^[1-9]\d{0,5}$/.test(values.reps)) {
    throw new Error(`--reps "${values.reps}" is not a whole number from 1 to 999999.`);
  }
  const some = (flag, known) => {
    const chosen = values[flag].split(",");
    const wrong = chosen.find((name) => !known.includes(name));
    if (wrong !== undefined) throw new Error(`--${flag} "${wrong}" is none of ${known.join(", ")}.`);
    return known.filter((name) => chosen.includes(name));
  };
  return {
    json: values.json,
    mini: values.mini,
    reps: values.mini ? 1 : Number(values.reps),
    cases: some("case", cases),
    data: values.mini ? ["mini"] : some("data", dataNames),
    engines: values.engine === undefined ? undefined : some("engine", Object.keys(usualThreads)),
  };
}

const rounded = (value, digits) => Number(value.toFixed(digits));

function mine(run, threads) {
  return lastLine(process.execPath, [caseScript, run.case, run.data, run.engine, String(threads), String(run.reps)]);
}

/** Measures one case of one data set on one engine; returns its lines. */
function measure(run) {
  const { case: name, data, engine, reps } = run;
  const threads = usualThreads[engine];
  const result = mine(run, threads);
  const line = { case: name, data, engine, isa: result.isa, threads };
  if (name === "peak") {
    const { peak, ...parts } = result.gflops;
    return Object.entries(parts).map(([part, gflops]) => ({
      section: "peak",
      ...line,
      case: part,
      gflops: rounded(gflops, 1),
      peak_gflops: rounded(peak, 1),
      share: rounded(gflops / peak, 3),
      target: target("share", part, data, engine),
    }));
  }
  if (epochs.includes(name)) {
    const { seconds, triples, max_rss_mb } = result;
    const limit = target("seconds", name, data, engine);
    const target_mb = target("memory", name, data, engine);
    return [
      { section: "epochs", ...line, triples, seconds: rounded(seconds, 2), target: limit, max_rss_mb, target_mb },
    ];
  }
  // The other number of threads runs before the peer, so that what is compared runs one after the other.
  const other = threaded.includes(name) ? mine(run, 3 - threads) : undefined;
  const theirs = data === "mini" ? undefined : peer(name, data, threads, reps);
  const lines = [
    {
      section: "steps",
      ...line,
      median_ms: rounded(result.median_ms, 2),
      peer_ms: theirs ? rounded(theirs.ms, 2) : null,
      ratio: theirs ? rounded(theirs.ms / result.median_ms, 1) : null,
      target: target("ratio", name, data, engine),
      max_rss_mb: result.max_rss_mb,
      peer_rss_mb: theirs?.rss ?? null,
    },
  ];
  if (other) {
    const [one, two] = threads === 1 ? [result, other] : [other, result];
    lines.push({
      section: "threads",
      ...line,
      threads: 2,
      median_ms: rounded(two.median_ms, 2),
      one_thread_ms: rounded(one.median_ms, 2),
      speedup: rounded(one.median_ms / two.median_ms, 2),
      target: target("speedup", name, data, engine),
    });
  }
  return lines;
}

async function main() {
  const flags = readFlags();
  const machine = await describeMachine({ engine: flags.engines?.[0], peer: !flags.mini });
  const engines = flags.engines ?? (machine.engine === "native" ? ["native", "wasm"] : ["wasm"]);
  if (flags.json) console.log(JSON.stringify({ machine }));
  else console.error(machineText(machine));
  const lines = [];
  for (const data of flags.data) {
    for (const name of flags.cases) {
      // In WebAssembly the epochs take minutes: they run there only if no other engine does.
      for (const engine of epochs.includes(name) ? engines.slice(0, 1) : engines) {
        for (const line of measure({ case: name, data, engine, reps: flags.reps })) {
          lines.push(line);
          if (flags.json) console.log(JSON.stringify(line));
          else console.error(Object.values(line).join(" "));
        }
      }
    }
  }
  if (!flags.json) console.log(`\n${machineText(machine)}\n\n${tables(lines)}`);
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
}
