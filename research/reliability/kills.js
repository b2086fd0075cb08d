// Kills commands at random moments, resumes them with other numbers of threads, and compares what comes out with an unbroken run.
//
//   node research/reliability/kills.js [--kills 50] [--signals 30] [--seed 1] [--record]
//
// A kill is SIGKILL; a signal is SIGINT or SIGTERM, after which the exit code and the message are checked too.
import { mkdtempSync, readdirSync, rmSync, watch } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { report } from "./_report.js";
import { differences, newOut, prepare, snapshot, start } from "./_victims.js";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "50" },
    signals: { type: "string", default: "30" },
    seed: { type: "string", default: "1" },
    record: { type: "boolean", default: false },
  },
});

// Far more than any of these commands takes on a busy machine.
const hangs = 180_000;
const threads = [1, 2, 3, 32];

/** A small generator of numbers in [0, 1), so that a seed repeats the choices. */
function generator(seed) {
  let state = BigInt(seed) * 2862933555777941757n + 3037000493n;
  return () => {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
    return Number(state >> 11n) / 2 ** 53;
  };
}

const random = generator(Number(values.seed));
const pick = (list) => list[Math.floor(random() * list.length)];
const say = (line) => process.stderr.write(`${line}\n`);

/** What a file that appears in the directory of results tells about the moment. */
const writing = {
  checkpoint: /checkpoint\.safetensors.*tmp/,
  // A model's own files, or its directory.
  model: /^(model\.safetensors|entities\.tsv|relations\.tsv|config\.json).*tmp|^(first|second|undistilled|distilled)$/,
  report: /^report\.json.*tmp/,
};

/** When to strike: after a time, or soon after the n-th sign of something being written. */
function moment({ name, milliseconds }) {
  const kinds = ["any", "any", "checkpoint", "checkpoint", "model", "model", ...(name === "run" ? ["report"] : [])];
  const kind = pick(kinds);
  if (kind === "any") return { kind, delay: random() * milliseconds };
  const nth =
    kind === "checkpoint" ? 1 + Math.floor(random() * 40) : kind === "model" && name === "run" ? pick([1, 2, 3, 4]) : 1;
  return { kind, nth, delay: random() * 6 };
}

/** Resolves when the moment has come; never if what it waits for does not happen. */
function comes({ kind, nth, delay }, out) {
  if (kind === "any") return { strikes: sleep(delay), close: () => undefined };
  let seen = 0;
  let watcher;
  const strikes = new Promise((resolve) => {
    watcher = watch(out, (event, file) => {
      // Each file is renamed into place once, which tells as much as its appearance.
      if (event === "rename" && writing[kind].test(file ?? "") && ++seen === nth) setTimeout(resolve, delay);
    });
  });
  return { strikes, close: () => watcher.close() };
}

/** Starts a command and sends it a signal at a moment; `struck` is false if it ended before. */
async function strike(args, out, when, signal) {
  const { strikes, close } = comes(when, out);
  const begin = performance.now();
  const { child, ended } = start(args, pick(threads));
  const hanging = setTimeout(() => child.kill("SIGKILL"), hangs);
  let struck = false;
  let at = 0;
  void strikes.then(() => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    struck = child.kill(signal);
    at = performance.now() - begin;
  });
  const end = await ended;
  clearTimeout(hanging);
  close();
  return { ...end, struck, at, took: performance.now() - begin - at };
}

/** The files that were being written when a process was killed. */
function unfinished(out) {
  return readdirSync(out, { recursive: true }).filter((name) => name.includes("tmp"));
}

/** Runs a command to its end, and says what is wrong with what it left. */
async function resume(victim, args, out) {
  const { child, ended } = start(args, pick(threads));
  const hanging = setTimeout(() => child.kill("SIGKILL"), hangs);
  const { code, stderr } = await ended;
  clearTimeout(hanging);
  // It was stopped between the end of its work and its own: the model is whole, and its checkpoint may still be there.
  const taken = stderr.includes("CLI_OUT_TAKEN");
  if (taken) rmSync(join(out, "checkpoint.safetensors"), { force: true });
  if (code !== 0 && !taken) return `resumed, it ended with ${code}: ${stderr.trim().split("\n").at(-1)}`;
  const wrong = differences(snapshot(out), victim.whole);
  return wrong.length === 0 ? undefined : `differs from the unbroken run: ${wrong.join(", ")}`;
}

/** With --force, the directory holds the older model or the new one at any time, whole. */
function olderIsLost(victim, out) {
  if (!victim.older) return undefined;
  const found = snapshot(out);
  const own = Object.fromEntries(Object.keys(victim.before).map((name) => [name, found[name]]));
  const whole = differences(own, victim.before).length === 0 || differences(own, victim.whole).length === 0;
  return whole ? undefined : "neither the older model nor the new one is whole";
}

/** What is wrong with the end of a process that got a signal. */
function badEnd({ code, signal, stderr, took }, sent, out) {
  const left = readdirSync(out, { recursive: true }).filter((name) => /tmp|lock/.test(name));
  if (left.length > 0) return `left ${left.join(", ")}`;
  // Before the first line of the program ran, Node ends as every other process does. Shells tell 130 and 143 there, too.
  if (signal === sent && stderr === "") return undefined;
  const wanted = { SIGINT: 130, SIGTERM: 143 }[sent];
  if (code !== wanted) return `ended with ${code ?? signal} in place of ${wanted}`;
  const last = stderr.trimEnd().split("\n").at(-1);
  if (!/^Stopped.*\(CLI_INTERRUPTED\)$/.test(last)) return `said: ${last}`;
  return took > 20_000 ? `took ${Math.round(took)} ms to end` : undefined;
}

/**
 * Strikes until there were enough strikes: each life is one command, struck once or several times, then resumed to its end and compared.
 *
 * @param choose - the signal and the moment
 * @param check - what is wrong right after a strike
 */
async function trial(name, count, choose, check) {
  let [struck, held, life] = [0, 0, 0];
  while (struck < count) {
    const victim = victims[life % victims.length];
    const out = newOut(root, victim, `${name}-${life++}`);
    const args = [...victim.args, "--out", out, "--checkpoint-minutes", "0"];
    let strikes = 0;
    let wrong;
    // Every third time once more, while it resumes.
    do {
      const { signal, when } = choose(victim);
      const end = await strike(args, out, when, signal);
      if (!end.struck) {
        if (end.code !== 0) wrong = `ended by itself with ${end.code}: ${end.stderr.trim().split("\n").at(-1)}`;
        break;
      }
      // Too late: it was done already.
      if (end.code === 0) break;
      strikes++;
      const files = unfinished(out);
      const what = files.length > 0 ? `writing ${files.join(", ")}` : `nothing half-written (aimed at: ${when.kind})`;
      say(`${victim.name}: ${signal} after ${Math.round(end.at)} ms, ${what}`);
      wrong ??= check(end, signal, victim, out);
    } while (!wrong && struck + strikes < count && random() < 1 / 3);
    wrong ??= await resume(victim, args, out);
    if (wrong) say(`${victim.name}: WRONG in ${out}: ${wrong}`);
    else rmSync(out, { recursive: true });
    struck += strikes;
    if (!wrong) held += strikes;
  }
  return { cases: struck, held };
}

const root = mkdtempSync(join(tmpdir(), "mulde-kills-"));
const victims = await prepare(root);
for (const { name, milliseconds } of victims) say(`${name}: unbroken in ${Math.round(milliseconds)} ms`);

let failed = false;
/** A part of the trials with its row. */
async function part(name, count, choose, check) {
  if (count === 0) return;
  const begin = performance.now();
  const outcome = await trial(name, count, choose, check);
  failed ||= outcome.held < outcome.cases;
  await report({ trial: name, ...outcome, seed: Number(values.seed), seconds: (performance.now() - begin) / 1000 });
}

await part(
  "kills",
  Number(values.kills),
  (victim) => ({ signal: "SIGKILL", when: moment(victim) }),
  (_end, _signal, victim, out) => olderIsLost(victim, out),
);
await part(
  "signals",
  Number(values.signals),
  ({ milliseconds }) => ({
    signal: pick(["SIGINT", "SIGTERM"]),
    when: { kind: "any", delay: random() * milliseconds },
  }),
  (end, signal, victim, out) => badEnd(end, signal, out) ?? olderIsLost(victim, out),
);
// What went wrong stays to be looked at.
if (!failed) rmSync(root, { recursive: true });
