// Writes the tables of RESULTS.md from ledger.tsv and published.tsv: node research/results/tables.js
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readLedger, readTable, validation } from "./_tables.js";

const ledger = readLedger().filter(({ mrr }) => mrr !== "");
const published = readTable("published.tsv");
const targets = readTable("targets.tsv");
const page = fileURLToPath(new URL("../../RESULTS.md", import.meta.url));
const measures = ["mrr", "hits1", "hits3", "hits10"];
const titles = ["MRR", "Hits@1", "Hits@3", "Hits@10"];
const rule = ", with the rule functional";
const short = (value) => value.replace(/^0/, "");

const tables = { headline, references, paper, juniors, ablations, best };

/**
 * The page, with every table as the ledger gives it now.
 *
 * @param {string} text - the page
 * @returns {string}
 */
export function filled(text) {
  return Object.entries(tables).reduce((page, [name, make]) => {
    const between = new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- end -->)`);
    if (!between.test(page)) throw new Error(`RESULTS.md has no place for ${name}: put <!-- ${name} --> there again.`);
    return page.replace(between, (_, start, end) => `${start}\n${make()}\n\n${end}`);
  }, text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(page, filled(readFileSync(page, "utf8")));

/**
 * The Juniors that have a target, beside published ones of their size. Those with the rule `functional` come last: published systems have
 * nothing like it.
 */
function headline() {
  const lines = latest(ledger.filter(({ role, dimension }) => role === "distilled" && dimension === "32"));
  const juniors = targets.flatMap((target) =>
    [`${target.experiment}-plain`, target.experiment].flatMap((recipe) => {
      const seeds = lines.filter((line) => setting(line) === recipe && variant(line) === "");
      return seeds.length === 0 ? [] : [{ target, seeds }];
    }),
  );
  const rows = juniors
    .toSorted((a, b) => a.seeds[0].functional - b.seeds[0].functional)
    .map(({ target, seeds }) => {
      const [mrr, , , hits10] = ours(seeds);
      const beside = ["MulDE, Junior RotH", "DMutDE"].map((system) => theirs(system, seeds[0]));
      return [label(seeds[0]), seeds[0].model, seeds.length, mrr, hits10, pair(target), ...beside];
    });
  return table(
    ["experiment", "Junior", "seeds", "MRR", "Hits@10", "target", "MulDE, its paper", "DMutDE, the best published"],
    rows,
  );
}

/** Models trained on the facts alone: the run with the best validation MRR. */
function references() {
  const alone = ledger.filter(({ role }) => role === "undistilled" || role === "baseline");
  const rows = groups(alone, ({ data, model, dimension }) => [data, model, dimension]).map((runs) => {
    const line = runs.reduce((best, other) => (validation(other) > validation(best) ? other : best));
    const { data, model, dimension, experiment, epochs, seconds } = line;
    const system = model === "ComplEx" ? "ComplEx-N3" : model;
    return [data, model, dimension, experiment, ...ours([line]), theirs(system, line), runs.length, epochs, seconds];
  });
  return table(
    ["data", "model", "dim", "experiment", ...titles, "published MRR / Hits@10", "runs", "epochs", "s"],
    rows.toSorted(([a, m], [b, n]) => a.localeCompare(b) || m.localeCompare(n)),
  );
}

/** The paper's setting: means over the seeds, with their standard deviation. */
function paper() {
  const lines = latest(ledger.filter(({ experiment }) => /-(paper|paper-plain|seeds)$/.test(experiment)));
  const rows = groups(lines, (line) => [setting(line), line.role, line.model, line.dimension]).map((seeds) => {
    const { role, model, dimension } = seeds[0];
    const against = role === "distilled" ? theirs(`MulDE, Junior ${model}`, seeds[0]) : "";
    return [label(seeds[0]), role, model, dimension, seeds.length, ...ours(seeds), against];
  });
  return table(["experiment", "role", "model", "dim", "seeds", ...titles, "the paper's"], byRole(rows));
}

/** Other Juniors of the same teachers, each beside its undistilled twin. */
function juniors() {
  const others = ledger.filter(({ experiment, role }) => experiment.endsWith("-juniors") && role !== "senior");
  // These experiments once also held other seeds of the paper's Junior.
  const lines = others.filter(({ model, dimension }) => !(model === "RotH" && dimension === "32"));
  const rows = groups(lines, ({ data, model, dimension }) => [data, model, dimension]).map((both) => {
    const { data, model, dimension } = both[0];
    const of = (role) => {
      const found = both.findLast((line) => line.role === role);
      return found ? pair(found) : "-";
    };
    return [data, model, dimension, of("undistilled"), of("distilled"), theirs(`MulDE, Junior ${model}`, both[0])];
  });
  return table(["data", "Junior", "dim", "without teachers", "with teachers", "the paper's"], rows);
}

/** The last complete Junior of each data set, and the ablations that were run after it. */
function ablations() {
  const lines = ledger.filter(({ experiment, role }) => experiment.endsWith("-ablations") && role === "distilled");
  const rows = groups(lines, ({ experiment }) => [experiment]).flatMap((runs) => {
    const last = runs.findLastIndex((line) => variant(line) === "");
    if (last < 0) return [];
    const [whole, ...without] = runs.slice(last);
    return [whole, ...latest(without)].map((line) => {
      const change = (Number(line.mrr) - Number(whole.mrr)).toFixed(4);
      const cost = line === whole ? "" : `${change > 0 ? "+" : ""}${change.replace("0.", ".")}`;
      return [line.data, variant(line) || "all of it", ...ours([line]), cost, line.seconds];
    });
  });
  return table(["data", "Junior", ...titles, "change of MRR", "s"], rows);
}

/** Recipes beyond the paper's setting. */
function best() {
  const lines = latest(
    ledger.filter(({ experiment }) => /^(wn18rr|fb15k237)-(best|best-plain|generations)$/.test(experiment)),
  );
  const kind = (line) => ["experiment", "role", "model", "dimension"].map((name) => line[name]).concat(variant(line));
  const rows = groups(lines, kind).map((seeds) => {
    const { role, model, dimension, epochs, seconds } = seeds.at(-1);
    return [label(seeds[0]), role, variant(seeds[0]), model, dimension, seeds.length, ...ours(seeds), epochs, seconds];
  });
  return table(["experiment", "role", "variant", "model", "dim", "seeds", ...titles, "epochs", "s"], byRole(rows));
}

/** Rows by data set and recipe, in the order of a pipeline; those with the rule `functional` follow those without. */
function byRole(rows) {
  const recipe = ([name]) => name.replace(rule, "").replace(/-plain$/, "");
  const stage = ([, role]) => ["teacher", "senior", "undistilled", "distilled"].indexOf(role);
  const ruled = ([name]) => Number(name.endsWith(rule));
  return rows.toSorted(
    (a, b) =>
      recipe(a).localeCompare(recipe(b)) ||
      stage(a) - stage(b) ||
      ruled(a) - ruled(b) ||
      Number(b[0].endsWith("-plain")) - Number(a[0].endsWith("-plain")),
  );
}

/** The name of a line's recipe, which says whether the rule `functional` is in it. */
function label(line) {
  return `${setting(line)}${line.functional ? rule : ""}`;
}

/** The last line of each model: an experiment keeps its name when its recipe changes. */
function latest(lines) {
  const key = (line) => ["experiment", "data", "role", "model", "dimension", "seed"].map((name) => line[name]);
  return groups(lines, (line) => [...key(line), variant(line)]).map((runs) => runs.at(-1));
}

/** The name of a line's recipe: other seeds of the paper's setting have their own experiment. */
function setting({ experiment }) {
  return experiment.replace(/-seeds$/, "-paper");
}

/** The name of a Junior that is a variant of its experiment's first one, by more than its seed. */
function variant({ note }) {
  return /variant (?!seed-)(\S+)\./.exec(note)?.[1] ?? "";
}

/** Groups lines by a key; the groups keep the order of their first lines. */
function groups(lines, key) {
  const found = new Map();
  for (const line of lines) {
    const name = key(line).join("\t");
    found.set(name, [...(found.get(name) ?? []), line]);
  }
  return [...found.values()];
}

/** A published figure of the same size and data, as MRR / Hits@10. */
function theirs(system, { dimension, data }) {
  const found = published.find((row) => row.system === system && row.dimension === dimension && row.data === data);
  return found ? pair(found) : "-";
}

function pair({ mrr, hits10 }) {
  return `${short(mrr)} / ${short(hits10)}`;
}

/** Means of the measures, with standard deviations for several lines. */
function ours(lines) {
  return measures.map((name) => {
    const values = lines.map((line) => Number(line[name]));
    const mean = values.reduce((a, b) => a + b) / values.length;
    const figure = short(mean.toFixed(4));
    if (values.length === 1) return figure;
    const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1));
    return `${figure} ± ${short(deviation.toFixed(4))}`;
  });
}

function table(columns, rows) {
  return [
    `| ${columns.join(" | ")} |`,
    `|${" --- |".repeat(columns.length)}`,
    ...rows.map((row) => `| ${row.join(" | ")} |`),
  ].join("\n");
}
