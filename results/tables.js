// Writes the tables of RESULTS.md from ledger.tsv and published.tsv: node results/tables.js
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readTable } from "./_tables.js";

const ledger = readTable("ledger.tsv").filter(({ mrr }) => mrr !== "");
const published = readTable("published.tsv");
const page = fileURLToPath(new URL("../RESULTS.md", import.meta.url));
const short = (value) => value.replace(/^0/, "");

/** A published figure of a model, as MRR / Hits@10. */
function theirs(system, dimension, data) {
  const found = published.find((row) => row.system === system && row.dimension === dimension && row.data === data);
  return found ? `${short(found.mrr)} / ${short(found.hits10)}` : "-";
}

function table(columns, rows) {
  return [
    `| ${columns.join(" | ")} |`,
    `|${" --- |".repeat(columns.length)}`,
    ...rows.map((row) => `| ${row.join(" | ")} |`),
  ].join("\n");
}

function ours({ mrr, hits1, hits3, hits10 }) {
  return [mrr, hits1, hits3, hits10].map(short);
}

const names = { ComplEx: "ComplEx-N3" };
const references = ledger
  .filter(({ experiment, role }) => experiment === "reference" || role === "undistilled")
  .map((line) => [
    line.data,
    line.model,
    line.dimension,
    line.experiment,
    ...ours(line),
    theirs(names[line.model] ?? line.model, line.dimension, line.data),
    line.epochs,
    line.seconds,
  ]);
const paper = ledger
  .filter(
    ({ experiment, role }) =>
      (role !== "undistilled" && /paper|teachers|seed/.test(experiment)) || role === "distilled",
  )
  .map((line) => [
    line.data,
    line.experiment,
    line.role,
    line.model,
    line.dimension,
    ...ours(line),
    line.role === "distilled" ? theirs("MulDE, Junior RotH", line.dimension, line.data) : "",
    line.epochs,
    line.seconds,
  ]);
const measures = ["MRR", "Hits@1", "Hits@3", "Hits@10"];
const tables = {
  references: table(
    ["data", "model", "dim", "experiment", ...measures, "published MRR / Hits@10", "epochs", "s"],
    references,
  ),
  paper: table(["data", "experiment", "role", "model", "dim", ...measures, "the paper's", "epochs", "s"], paper),
};

let text = readFileSync(page, "utf8");
for (const [name, lines] of Object.entries(tables)) {
  text = text.replace(new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- end -->)`), (_, a, b) => `${a}\n${lines}\n\n${b}`);
}
writeFileSync(page, text);
