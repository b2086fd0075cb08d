// Runs a `mulde` command and writes a line to ledger.tsv for each model, and one for a run that failed:
//   node research/results/record.js --experiment NAME [--role undistilled|teacher|baseline] [--note TEXT] [--to DIR] -- train|distil|run ...
// --role names the role of a model that `train` makes; `distil` makes distilled ones. --to is the folder of the ledger, curves and scales.
// Metrics cover the whole test split, filtered, with realistic ranks.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { addLedgerLine, addLine, readTable, refuseAbsolute } from "./_tables.js";

const bin = fileURLToPath(new URL("../../apps/cli/bin/mulde.js", import.meta.url));

const split = process.argv.indexOf("--");
if (split < 0) throw new Error("Give the mulde command after --; the head of this file shows how.");
const { values: flags } = parseArgs({
  args: process.argv.slice(2, split),
  options: {
    experiment: { type: "string" },
    role: { type: "string", default: "undistilled" },
    note: { type: "string", default: "" },
    to: { type: "string" },
  },
});
if (flags.experiment === undefined) throw new Error("Give the run a name: --experiment NAME.");
const command = process.argv.slice(split + 1);
refuseAbsolute(command.flatMap((part) => part.split(",")));
const role = command[0] === "distil" ? "distilled" : flags.role;
const option = (name) => {
  const at = command.indexOf(`--${name}`);
  return at < 0 ? undefined : command[at + 1];
};

const log = join(mkdtempSync(join(tmpdir(), "mulde-")), "events.jsonl");
const { code, stdout, peak } = await run();
const shared = {
  data: option("data"),
  experiment: flags.experiment,
  peak_rss_mb: peak,
  command: `mulde ${command.join(" ")}`,
};
const events = existsSync(log) ? readFileSync(log, "utf8").split("\n").filter(Boolean).map(JSON.parse) : [];
const trained = new Set(events.filter(({ type }) => type === "start").map(({ name }) => name));
const rows = code === 0 ? lines(JSON.parse(stdout)) : [];
for (const line of rows) addLedgerLine({ ...shared, ...line }, flags.to);
if (code !== 0) {
  const note = `failed with exit code ${code}. ${flags.note}`;
  const model = option("model") ?? option("junior");
  addLedgerLine({ ...shared, role: command[0] === "run" ? "" : role, model, note }, flags.to);
}
writeCurves();
if (code === 0 && command[0] === "run") writeScales(JSON.parse(stdout).out);
process.exitCode = code;

/** Runs the command. Returns its exit code, its output and its peak resident memory in MB. */
function run() {
  const args = [bin, ...command, "--json", "--log", log];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let stdout = "";
  let peak = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
  const watch = setInterval(() => {
    const status = `/proc/${child.pid}/status`;
    const found = existsSync(status) && /VmHWM:\s+(\d+) kB/.exec(readFileSync(status, "utf8"));
    if (found) peak = (Number(found[1]) / 1000).toFixed(0);
  }, 500);
  return new Promise((resolve) =>
    child.on("close", (code, signal) => {
      clearInterval(watch);
      resolve({ code: code ?? signal, stdout, peak });
    }),
  );
}

/** One line for the model of `train` or `distil`; of an experiment, one for each row that this run made. */
function lines(report) {
  const { note } = flags;
  if (!report.rows) {
    const { test, validation, ...rest } = report;
    const { mrr, hits, head, tail } = test;
    const seed = option("seed") ?? 0;
    const row = { ...rest, role, seed, mrr, hits, headMrr: head.mrr, tailMrr: tail.mrr };
    return [{ ...metrics(row), note: `${chosenBy(validation)} ${note}` }];
  }
  const { data } = JSON.parse(readFileSync(join(report.out, "report.json"), "utf8")).experiment;
  const known = readTable("ledger.tsv", flags.to).filter(
    (line) => line.experiment === flags.experiment && line.mrr !== "",
  );
  return report.rows.flatMap((row) => {
    const saved = join(report.out, row.name, "config.json");
    // Skip teachers from other directories and models of earlier runs: they have their lines. An earlier run that was stopped wrote none, so
    // its models get theirs now. A model that this run trained gets a new line even if it came out the same.
    const elsewhere = row.role !== "senior" && !existsSync(saved);
    const line = { ...metrics(row), data };
    const same = ["role", "model", "dimension", "seed", "mrr", "data"];
    const written = known.some((other) => same.every((column) => other[column] === String(line[column])));
    if (elsewhere || (written && !trained.has(row.role === "senior" ? "distilled" : row.name))) return [];
    const how = row.role === "senior" ? "" : chosenBy(JSON.parse(readFileSync(saved, "utf8")).training.validation);
    // Undistilled twins of variants are told apart by their model and size.
    const usual = ["undistilled", "senior"].includes(row.role) || [row.role, row.model].includes(row.name);
    const variant = usual ? "" : `variant ${row.name}.`;
    return [{ ...line, note: `${variant} ${how} ${note}`.trim() }];
  });
}

/** The validation metrics by which a model was chosen; the test split has no part in it. */
function chosenBy({ epoch, metrics: { mrr, hits } }) {
  return `validation MRR ${mrr.toFixed(4)} in epoch ${epoch + 1}, Hits@10 ${hits["10"].toFixed(4)}.`;
}

function metrics({ role, model, dim, parameters, seed, mrr, hits, headMrr, tailMrr, epochs, seconds }) {
  const [hits1, hits3, hits10] = ["1", "3", "10"].map((k) => hits[k].toFixed(4));
  return {
    role,
    model,
    dimension: dim,
    parameters,
    seed,
    mrr: mrr.toFixed(4),
    hits1,
    hits3,
    hits10,
    head_mrr: headMrr.toFixed(4),
    tail_mrr: tailMrr.toFixed(4),
    epochs,
    seconds: seconds.toFixed(0),
  };
}

/** Writes every validation of the run to curves.tsv, for the figures. */
function writeCurves() {
  const columns = "experiment data out name epoch seconds mrr attention teachers".split(" ");
  const data = option("data") ?? rows[0]?.data;
  let seconds = 0;
  let attention;
  let teachers;
  let stages = [];
  for (const event of events) {
    if (event.type === "pipeline") stages = event.stages;
    if (event.type === "start") seconds = 0;
    if (event.type === "epoch") {
      seconds += event.seconds;
      attention = event.attention?.map((weight) => weight.toFixed(3)).join(" ");
      // The first stages are the teachers. Variants may have fewer of them.
      teachers = event.name === "distilled" ? stages.slice(0, event.attention.length).join(" ") : undefined;
    }
    if (event.type !== "validation") continue;
    const { name, epoch, metrics } = event;
    const line = {
      experiment: flags.experiment,
      data,
      out: option("out"),
      name,
      epoch: epoch + 1,
      attention,
      teachers,
    };
    addLine("curves.tsv", columns, { ...line, seconds: seconds.toFixed(1), mrr: metrics.mrr.toFixed(4) }, flags.to);
  }
}

/** Writes the scales that an experiment's Senior learned to scales.tsv, unless there are too many relations to draw. */
function writeScales(out) {
  const saved = join(out, "distilled");
  const { scaling } = JSON.parse(readFileSync(join(saved, "config.json"), "utf8")).training.senior;
  const names = readFileSync(join(saved, "relations.tsv"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => line.split("\t")[1]);
  if (scaling === undefined || names.length > 20) return;
  const { experiment } = JSON.parse(readFileSync(join(out, "report.json"), "utf8"));
  const m = experiment.teachers.length;
  const columns = "experiment data relation teacher scale".split(" ");
  scaling.forEach((weight, i) => {
    const row = Math.floor(i / m);
    const relation = names[row] ?? `${names[row - names.length]} (inverse)`;
    const line = {
      experiment: flags.experiment,
      data: experiment.data,
      relation,
      teacher: experiment.teachers[i % m].name,
    };
    addLine("scales.tsv", columns, { ...line, scale: (1 / (1 + Math.exp(-weight))).toFixed(3) }, flags.to);
  });
}
