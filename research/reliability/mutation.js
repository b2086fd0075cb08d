// Changes the code in small ways, one mutant at a time, and counts those that a test notices. Survivors are listed on stderr.
// `mutation.js [eval senior rules] [--sample]`: all three by default; with --sample only the mutants of a few lines of each.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { report } from "./_report.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const stryker = join(root, "node_modules/@stryker-mutator/core/bin/stryker.js");
const config = fileURLToPath(new URL("stryker.config.js", import.meta.url));

// The rules must stand by their own tests: that a whole run trains differently is too late and too slow to tell.
const subjects = {
  eval: { folder: "packages/eval", source: "src", tests: "test/**/*.test.ts" },
  senior: { folder: "packages/senior", source: "src", tests: "test/**/*.test.ts" },
  rules: { folder: "packages/mulde-trainer", source: "src/rules", tests: "test/rules/*.test.ts" },
};

/** The share of mutants that must be noticed. A sample is too small to measure it: it shows that tests notice mutants at all. */
const FLOOR = 0.85;
const SAMPLE_FLOOR = 0.7;

/** Lines of each subject in a sample: two minutes in all. */
const SAMPLE = 30;

/** Some lines of code, as Stryker takes them. The hashes of their texts choose them, so an edit elsewhere leaves the sample as it is. */
function sampled({ folder, source }) {
  const lines = readdirSync(join(root, folder, source)).flatMap((file) =>
    readFileSync(join(root, folder, source, file), "utf8")
      .split("\n")
      .map((text, i) => ({ text: `${file} ${text.trim()}`, range: `${source}/${file}:${i + 1}-${i + 1}` }))
      .filter(({ text }) => /[=<>+*?!&|"`-]/.test(text) && !/ (import|export .* from|\/?\*|\/\/)/.test(text)),
  );
  const hash = ({ text }) => createHash("sha256").update(text).digest("hex");
  return lines
    .sort((a, b) => (hash(a) < hash(b) ? -1 : 1))
    .slice(0, SAMPLE)
    .map(({ range }) => range);
}

/** Runs Stryker on one subject, its progress on stderr, and returns all mutants with their status. */
function mutants(subject, sample) {
  const mutate = sample ? sampled(subject) : [`${subject.source}/**/*.ts`];
  const { status, error } = spawnSync(process.execPath, [stryker, "run", config, "--mutate", mutate.join(",")], {
    cwd: join(root, subject.folder),
    env: { ...process.env, MULDE_MUTATION_TESTS: subject.tests },
    stdio: ["ignore", 2, 2],
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`Stryker ended with ${status} in ${subject.folder}; its last lines say why.`);
  const { files } = JSON.parse(readFileSync(join(root, subject.folder, "reports/mutation.json"), "utf8"));
  return Object.entries(files).flatMap(([file, { source, mutants }]) =>
    mutants.map((mutant) => ({ ...mutant, file, text: excerpt(source, mutant.location) })),
  );
}

/** What a mutant replaces, up to the end of its first line. Stryker counts lines and columns from 1. */
function excerpt(source, { start, end }) {
  const line = source.split("\n")[start.line - 1];
  return start.line === end.line ? line.slice(start.column - 1, end.column - 1) : `${line.slice(start.column - 1)} ...`;
}

/** The counts of a subject. A mutant without a verdict, such as code that does not compile, counts for nothing. */
function counts(all) {
  const of = (status) => all.filter((mutant) => mutant.status === status).length;
  const [killed, timeout, survived, noCoverage] = [of("Killed"), of("Timeout"), of("Survived"), of("NoCoverage")];
  const tried = killed + timeout + survived + noCoverage;
  return { tried, killed, timeout, survived, noCoverage, score: (killed + timeout) / tried };
}

const { values, positionals } = parseArgs({
  options: { sample: { type: "boolean", default: false }, record: { type: "boolean" } },
  allowPositionals: true,
});
const floor = values.sample ? SAMPLE_FLOOR : FLOOR;
let enough = true;
for (const name of positionals.length > 0 ? positionals : Object.keys(subjects)) {
  if (!(name in subjects)) throw new Error(`There is no "${name}"; name ${Object.keys(subjects).join(", ")}.`);
  const started = performance.now();
  const all = mutants(subjects[name], values.sample);
  for (const { status, file, location, text, mutatorName, replacement } of all) {
    if (status !== "Survived" && status !== "NoCoverage") continue;
    console.error(`${status}: ${file}:${location.start.line} ${mutatorName}: ${text} -> ${replacement}`);
  }
  const { tried, killed, timeout, survived, noCoverage, score } = counts(all);
  console.error(
    `${name}: ${tried} mutants, ${killed} killed, ${timeout} timed out, ${survived} survived, ${noCoverage} without a test: ${(100 * score).toFixed(1)} %`,
  );
  const seconds = (performance.now() - started) / 1000;
  await report({ trial: `mutation: ${name}`, cases: tried, held: killed + timeout, seconds, score, floor });
  enough &&= score >= floor;
}
// Some mutants are equivalent to the code, so not all can die.
process.exitCode = enough ? 0 : 1;
