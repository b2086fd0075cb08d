// How step time and memory grow with the graph:
//   pnpm bench:scale [--json] [--sizes 1e4x1e5,...] [--steps N] [--plot FILE] [--mini]
// Each size (entities x triples) is a synthetic graph with power-law degrees, written as TSV files to a temporary directory. As a user would,
// a process of its own loads it, trains on it (RotH, 32 dimensions, 500 queries with 255 negatives, sparse Adam) and ranks the test split.
// Prints a table, or with --json the machine's line and a line for each size, and draws scale.svg beside this file.
// --mini runs two tiny sizes and draws nothing unless --plot says where, to show that it works; its times mean nothing.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { describeMachine } from "./machine.js";
import { lastLine } from "./peer.js";
import { writeGraph } from "./scale-graph.js";
import { scalePlot } from "./scale-plot.js";
import { machineText } from "./table.js";

const caseScript = fileURLToPath(new URL("scale-case.js", import.meta.url));
// Triples that are ranked, and as many for validation.
const held = 1000;
const sizes = "1e4x1e5,3e4x3e5,1e5x1e6,3e5x3e6,1e6x1e7";
const miniSizes = "1e3x6e3,2e3x1e4";

const columns = {
  entities: (l) => l.entities.toLocaleString("en"),
  triples: (l) => l.triples.toLocaleString("en"),
  "rows touched": (l) => l.rows_touched.toLocaleString("en"),
  "step ms": (l) => l.step_ms.toFixed(1),
  "load s": (l) => l.load_s.toFixed(1),
  "prepare s": (l) => l.prepare_s.toFixed(1),
  "filter s": (l) => l.filter_s.toFixed(1),
  "rank s": (l) => l.rank_s.toFixed(1),
  "peak MB": (l) => l.max_rss_mb.toLocaleString("en"),
};

function readFlags() {
  const { values } = parseArgs({
    options: {
      json: { type: "boolean", default: false },
      sizes: { type: "string" },
      steps: { type: "string" },
      plot: { type: "string" },
      mini: { type: "boolean", default: false },
    },
  });
  const { json, mini } = values;
  const plot = values.plot ?? (mini ? undefined : fileURLToPath(new URL("scale.svg", import.meta.url)));
  const steps = Number(values.steps ?? (mini ? 100 : 300));
  if (!(Number.isInteger(steps) && steps >= 100)) {
    throw new Error(`--steps "${values.steps}" is not a whole number from 100.`);
  }
  const chosen = (values.sizes ?? (mini ? miniSizes : sizes)).split(",").map((size) => {
    const [entities, triples] = size.split("x").map(Number);
    if (!(entities >= held && triples >= 5 * held)) {
      throw new Error(`--sizes "${size}" is not ENTITIESxTRIPLES, from ${held} entities and ${5 * held} triples.`);
    }
    return { entities, triples };
  });
  return { json, mini, plot, steps, sizes: chosen };
}

async function measure(size, steps) {
  const directory = await mkdtemp(join(tmpdir(), "mulde-scale-"));
  try {
    await writeGraph(directory, { ...size, held });
    return lastLine(process.execPath, [caseScript, directory, String(steps)]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function table(lines) {
  const names = Object.keys(columns);
  const rows = lines.map((line) => Object.values(columns).map((cell) => cell(line)));
  return [names, names.map(() => "---:"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

async function main() {
  const flags = readFlags();
  const machine = await describeMachine({ peer: false });
  if (flags.json) console.log(JSON.stringify({ machine }));
  else console.error(machineText(machine));
  const lines = [];
  for (const size of flags.sizes) {
    const line = await measure(size, flags.steps);
    lines.push(line);
    if (flags.json) console.log(JSON.stringify(line));
    else console.error(Object.values(line).join(" "));
  }
  if (flags.plot !== undefined) await writeFile(flags.plot, scalePlot(lines));
  if (!flags.json) console.log(["", machineText(machine), table(lines), flags.plot ?? ""].join("\n\n").trimEnd());
}

try {
  await main();
} catch (error) {
  console.error(`bench:scale: ${error.message}`);
  process.exitCode = 1;
}
