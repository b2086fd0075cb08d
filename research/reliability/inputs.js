// The corpus of bad input: each case gets one sentence with a stable code, exit code 1 or 2, no stack, nothing written, in five seconds of
// CPU and 500 MB. inputs/ holds the cases, inputs/_run.js says what is checked. `--only REGEX` runs those whose name fits, `--show` prints what
// each of them says.
import { mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { report } from "./_report.js";
import { makeFixtures } from "./inputs/_fixtures.js";
import { runApi, runCommand } from "./inputs/_run.js";

const only = new RegExp(valueOf("--only") ?? "");
const show = process.argv.includes("--show");
const started = performance.now();
const root = mkdtempSync(join(realpathSync(tmpdir()), "mulde-inputs-"));
let held = 0;
let total = 0;
try {
  const fixtures = await makeFixtures(join(root, "fixtures"));
  const jobs = await jobsOf(fixtures);
  process.stderr.write(`${jobs.length} jobs\n`);
  const workers = Array.from({ length: availableParallelism() }, async () => {
    for (let job = jobs.shift(); job; job = jobs.shift()) await job();
  });
  await Promise.all(workers);
} finally {
  rmSync(root, { recursive: true, force: true });
}
const seconds = (performance.now() - started) / 1000;
await report({ trial: "bad input", cases: total, held, seconds });

/** What is to be done: each case of the command line, and each module's calls of the API in a row. */
async function jobsOf(fixtures) {
  const jobs = [];
  const folder = new URL("inputs/", import.meta.url);
  for (const file of readdirSync(folder).sort()) {
    if (file.startsWith("_")) continue;
    const subject = file.replace(/\.js$/, "");
    const { cases, calls } = await import(new URL(file, folder).href);
    for (const one of cases?.(fixtures) ?? []) {
      const name = `${subject}: ${one.name}`;
      if (!only.test(name)) continue;
      total++;
      jobs.push(async () => tell(name, one.run, await runCommand(root, one)));
    }
    const named = calls?.(fixtures).cases.map(({ name }) => name) ?? [];
    const chosen = named.filter((name) => only.test(`${subject}: ${name}`));
    if (chosen.length === 0) continue;
    total += chosen.length;
    jobs.unshift(async () => {
      const outcomes = await runApi(root, new URL(file, folder).href, chosen, fixtures);
      for (const name of chosen) tell(`${subject}: ${name}`, "", outcomes.get(name));
    });
  }
  return jobs;
}

function tell(name, run, { faults, said }) {
  if (faults.length === 0) held++;
  if (faults.length === 0 && !show) return;
  const call = Array.isArray(run) ? run.join(" ") : run;
  const lines = [`${faults.length === 0 ? "held" : "FAILED"}: ${name}`, ...faults.map((fault) => `  ${fault}`)];
  if (call) lines.push(`  mulde ${call.slice(0, 300)}`);
  process.stderr.write(
    `${[
      ...lines,
      ...said
        .trim()
        .slice(-3000)
        .split("\n")
        .map((line) => `  | ${line}`),
    ].join("\n")}\n`,
  );
}

function valueOf(flag) {
  const at = process.argv.indexOf(flag);
  return at < 0 ? undefined : process.argv[at + 1];
}
