import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";

const ledgerColumns =
  "date commit data experiment role model dimension parameters seed mrr hits1 hits3 hits10 head_mrr tail_mrr epochs seconds peak_rss_mb command note".split(
    " ",
  );
const here = fileURLToPath(new URL(".", import.meta.url));

/** The rows of a tab-separated file, keyed by the names in its first line; none if there is no such file. */
export function readTable(name, folder = here) {
  const path = join(folder, name);
  if (!existsSync(path)) return [];
  const [head, ...lines] = readFileSync(path, "utf8").trimEnd().split("\n");
  const columns = head.split("\t");
  return lines.map((line) => Object.fromEntries(line.split("\t").map((value, i) => [columns[i], value])));
}

/** The ledger's lines. `functional` says whether a Junior or Senior was trained with the rule of that name. */
export function readLedger(folder = here) {
  const lines = readTable("ledger.tsv", folder);
  const first = lines.findIndex(named);
  return lines.map((line, i) => ({ ...line, functional: named(line) || (i > first && inFile(line)) }));
}

/** Whether the command itself names the rule. */
function named({ command }) {
  return /functional[ :]+[\d.]/.test(command);
}

/** Whether the rule stands in the file of the line's experiment. Earlier lines of these experiments were made without it. */
function inFile({ experiment, role, command, note }) {
  return (
    command.startsWith("mulde run ") &&
    /^wn18rr-(paper|seeds|juniors|ablations|best)$/.test(experiment) &&
    ["distilled", "senior"].includes(role) &&
    !/variant no-(functional|wrong-answers)\b/.test(note)
  );
}

/** The validation MRR by which a model of the ledger was chosen; 0 if its line has none. */
export function validation({ note }) {
  return Number(/validation MRR (\S+) in/.exec(note)?.[1] ?? 0);
}

/** Adds a row to a tab-separated file. Its first line names the columns. */
export function addLine(name, columns, line, folder = here) {
  const path = join(folder, name);
  if (!existsSync(path)) writeFileSync(path, `${columns.join("\t")}\n`);
  appendFileSync(path, `${columns.map((column) => String(line[column] ?? "").replace(/\s+/g, " ")).join("\t")}\n`);
}

/** Adds a line to the ledger, with today's date and the current commit. */
export function addLedgerLine(line, folder = here) {
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: here, encoding: "utf8" }).trim();
  addLine("ledger.tsv", ledgerColumns, { date: new Date().toISOString().slice(0, 10), commit, ...line }, folder);
}

/** Throws for an absolute path: the ledger is committed, and must not name a folder of this machine. */
export function refuseAbsolute(paths) {
  const absolute = paths.find(isAbsolute);
  if (absolute !== undefined) throw new Error(`The ledger is committed: give ${absolute} relative to the repository.`);
}
