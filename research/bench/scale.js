// How step time and memory grow with the graph: `pnpm bench:scale [--json] [--sizes 1e4x1e5,...] [--steps N] [--plot FILE]`.
// Each size (entities x triples) is a synthetic graph with power-law degrees, written as TSV files to a temporary directory and then
// loaded, trained on (RotH, 32 dimensions, 500 queries with 255 negatives, sparse Adam) and ranked in a process of its own, as a user
// would. Prints a table, or with --json the machine's line and a line for each size, and draws scale.svg beside this file.
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
// The test triples that are ranked, and as many for validation.
const held = 1000;

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
      sizes: { type: "string", default: "1e4x1e5,3e4x3e5,1e5x1e6,3e5x3e6,1e6x1e7" },
      steps: { type: "string", default: "300" },
      plot: { type: "string", default: fileURLToPath(new URL("scale.svg", import.meta.url)) },
    },
  });
  const steps = Number(values.steps);
  if (!(Number.isInteger(steps) && steps >= 100))
    throw new Error(`--steps "${values.steps}" is no whole number from 100.`);
  const sizes = values.sizes.split(",").map((size) => {
    const [entities, triples] = size.split("x").map(Number);
    if (!(entities >= held && triples >= 5 * held)) {
      throw new Error(`--sizes "${size}" is not ENTITIESxTRIPLES, from ${held} entities and ${5 * held} triples.`);
    }
    return { entities, triples };
  });
  return { ...values, sizes, steps };
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
  const machine = await describeMachine();
  if (flags.json) console.log(JSON.stringify({ machine }));
  else console.error(machineText(machine));
  const lines = [];
  for (const size of flags.sizes) {
    const line = await measure(size, flags.steps);
    lines.push(line);
    if (flags.json) console.log(JSON.stringify(line));
    else console.error(Object.values(line).join(" "));
  }
  await writeFile(flags.plot, scalePlot(lines));
  if (!flags.json) console.log(`\n${machineText(machine)}\n\n${table(lines)}\n\n${flags.plot}`);
}

try {
  await main();
} catch (error) {
  console.error(`bench:scale: ${error.message}`);
  process.exitCode = 1;
}
