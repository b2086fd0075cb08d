// Fuzzing: valid inputs of every reader and call, mutated, must give a consistent result or a MuldeError with a stable code. A case that ends
// otherwise, hangs, ends the process or leaves a file is printed with its seed and its input. `--cases N` (20,000), `--seed S` (1): the cases
// have the seeds S .. S + N - 1, so that `--cases 1 --seed S` repeats one.
import { spawn } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { report } from "./_report.js";
import { makeFixtures } from "./inputs/_fixtures.js";

const cases = Number(valueOf("--cases") ?? 20_000);
const first = Number(valueOf("--seed") ?? 1);
// A case takes milliseconds; one that takes this long hangs.
const hangSeconds = 20;
const mostMegabytes = 1500;
const child = fileURLToPath(new URL("fuzz/_child.js", import.meta.url));
const started = performance.now();
const root = mkdtempSync(join(realpathSync(tmpdir()), "mulde-fuzz-"));
let held = 0;
const outcomes = new Map();
try {
  const fixtures = await makeFixtures(join(root, "fixtures"));
  for (let next = first; next < first + cases;) next = await inProcess(fixtures, next);
} finally {
  rmSync(root, { recursive: true, force: true });
}
for (const [target, codes] of outcomes) {
  const counts = [...codes].sort(([, a], [, b]) => b - a).map(([code, count]) => `${code} ${count}`);
  process.stderr.write(`${target}: ${counts.join(", ")}\n`);
}
await report({ trial: "fuzzing", cases, held, seconds: (performance.now() - started) / 1000, seed: first });

/** Runs cases from one seed on in a process of their own, until one ends it; returns the next seed. */
async function inProcess(fixtures, from) {
  const running = spawn(process.execPath, ["--max-old-space-size=1024", child, JSON.stringify({ root, fixtures })], {
    env: { ...process.env, MULDE_THREADS: "1" },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let stderr = "";
  running.stderr.setEncoding("utf8").on("data", (text) => (stderr = (stderr + text).slice(-2000)));
  running.stdin.on("error", () => undefined);
  const ended = new Promise((resolve) => running.on("close", (code, signal) => resolve(signal ?? `exit code ${code}`)));
  let next = from;
  let timer = setTimeout(() => running.kill("SIGKILL"), 120_000);
  for await (const line of createInterface({ input: running.stdout })) {
    clearTimeout(timer);
    const answer = JSON.parse(line);
    if (answer.ready === undefined) {
      if (answer.fault === undefined && answer.megabytes < mostMegabytes) held++;
      else tell(answer.seed, answer.target, answer.fault ?? `took ${answer.megabytes} MB`, answer.input);
      count(answer);
      next++;
    }
    if (next === first + cases || answer.megabytes >= mostMegabytes) {
      running.stdin.end();
      break;
    }
    running.stdin.write(`${next}\n`);
    timer = setTimeout(() => running.kill("SIGKILL"), 1000 * hangSeconds);
    if ((next - first) % 1000 === 0 && next > first) process.stderr.write(`${next - first} cases\n`);
  }
  clearTimeout(timer);
  const how = await ended;
  if (next === first + cases || how === "exit code 0") return next;
  tell(next, "the process", `ended it (${how}): ${stderr}`, undefined);
  return next + 1;
}

function count({ target, code }) {
  const codes = outcomes.get(target) ?? new Map();
  outcomes.set(target, codes.set(code ?? "ok", (codes.get(code ?? "ok") ?? 0) + 1));
}

function tell(seed, target, fault, input) {
  process.stderr.write(`FAILED: --cases 1 --seed ${seed} (${target})\n  ${fault.replaceAll("\n", "\n  ")}\n`);
  if (input !== undefined) process.stderr.write(`  input: ${JSON.stringify(input)}\n`);
}

function valueOf(flag) {
  const at = process.argv.indexOf(flag);
  return at < 0 ? undefined : process.argv[at + 1];
}
