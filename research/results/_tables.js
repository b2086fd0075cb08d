import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ledgerColumns =
  "date commit data experiment role model dimension parameters seed mrr hits1 hits3 hits10 head_mrr tail_mrr epochs seconds peak_rss_mb command note".split(
    " ",
  );
const beside = (name) => fileURLToPath(new URL(name, import.meta.url));

/** The rows of a tab-separated file beside this one, by the names of its columns; none where there is no such file. */
export function readTable(name) {
  const path = beside(name);
  if (!existsSync(path)) return [];
  const [head, ...lines] = readFileSync(path, "utf8").trimEnd().split("\n");
  const columns = head.split("\t");
  return lines.map((line) => Object.fromEntries(line.split("\t").map((value, i) => [columns[i], value])));
}

/** The validation MRR that a model of the ledger was chosen by, or 0 where its line has none. */
export function validation({ note }) {
  return Number(/validation MRR (\S+) in/.exec(note)?.[1] ?? 0);
}

/** Adds a row to a tab-separated file beside this one, which is made with a line of its columns where there is none. */
export function addLine(name, columns, line) {
  const path = beside(name);
  if (!existsSync(path)) writeFileSync(path, `${columns.join("\t")}\n`);
  appendFileSync(path, `${columns.map((column) => String(line[column] ?? "").replace(/\s+/g, " ")).join("\t")}\n`);
}

/** A line of the ledger, of today and of the commit that is checked out. */
export function addLedgerLine(line) {
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: beside("."), encoding: "utf8" }).trim();
  addLine("ledger.tsv", ledgerColumns, { date: new Date().toISOString().slice(0, 10), commit, ...line });
}
