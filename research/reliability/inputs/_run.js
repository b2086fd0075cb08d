// Runs one case of the corpus and tells what is wrong with how it ended.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeFiles } from "./_files.js";

const bin = fileURLToPath(new URL("../../../apps/cli/bin/mulde.js", import.meta.url));
const hook = new URL("_hook.js", import.meta.url).href;
const apiChild = fileURLToPath(new URL("_api.js", import.meta.url));

// What the issue allows a refusal: CPU time, since the machine may be busy, or four times as much by the clock; and memory in MB.
const limits = { cpuSeconds: 5, wallSeconds: 20, megabytes: 500 };
// A process that is over by far is ended.
const hangSeconds = 60;

/** Runs a case of the command line; resolves with the faults found, none if it held, and what it said. */
export async function runCommand(root, one) {
  const folder = prepare(root, one);
  try {
    const before = treeOf(folder);
    const args = typeof one.run === "string" ? one.run.split(" ") : one.run;
    const nodeFlags = ["--import", hook, bin];
    const ended = await spawned([...nodeFlags, ...args], folder, one);
    const faults = [...judge(ended, one), ...costs(ended)];
    if (!one.writes) faults.push(...differences(before, treeOf(folder)));
    return {
      faults,
      said: `${ended.stderr}${ended.signal ? `(${ended.signal})` : `(exit code ${ended.code})`}`,
      ended,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs calls of the API in one process after the other, which goes on with the next case where one ends it. */
export async function runApi(root, module, names, fixtures) {
  const outcomes = new Map();
  let left = [...names];
  while (left.length > 0) {
    const said = await apiProcess(root, module, left, fixtures);
    for (const outcome of said.outcomes) outcomes.set(outcome.name, outcome);
    const [crashed, ...rest] = left.slice(said.outcomes.length);
    if (crashed === undefined) break;
    outcomes.set(crashed, { name: crashed, faults: [`it ended the process (${said.end})`], said: said.stderr });
    left = rest;
  }
  return outcomes;
}

function prepare(root, { files = {} }) {
  const folder = mkdtempSync(join(root, "case-"));
  for (const name of ["home", "tmp"]) mkdirSync(join(folder, name));
  makeFiles(folder, files);
  return folder;
}

const { PATH } = process.env;

function spawned(args, folder, { env = {} }) {
  const started = performance.now();
  const wanted = { PATH, HOME: join(folder, "home"), TMPDIR: join(folder, "tmp"), MULDE_THREADS: "1", ...env };
  const given = Object.entries(wanted).filter(([, value]) => value !== undefined);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: folder,
      env: Object.fromEntries(given),
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    });
    const said = ["", "", "", ""];
    for (const fd of [1, 2, 3]) {
      child.stdio[fd].setEncoding("utf8").on("data", (text) => {
        if (said[fd].length < 1e6) said[fd] += text;
      });
    }
    const timer = setTimeout(() => child.kill("SIGKILL"), 1000 * hangSeconds);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const wallSeconds = (performance.now() - started) / 1000;
      const measured = said[3] === "" ? undefined : JSON.parse(said[3]);
      resolve({ code, signal, stdout: said[1], stderr: said[2], wallSeconds, ...measured });
    });
  });
}

function judge({ code, signal, stdout, stderr }, one) {
  if (signal) return [`ended by ${signal}`];
  const wanted = [].concat(one.names ?? []);
  if (one.code === undefined) {
    const faults = code === 0 ? [] : [`exit code ${code} instead of 0`];
    return [...faults, ...wanted.filter((name) => !stdout.includes(name)).map((name) => `does not say ${name}`)];
  }
  const exit = one.exit ?? (one.code === "CLI_USAGE" ? 2 : 1);
  const errors = stderr.split("\n").filter((line) => line.startsWith("error: "));
  const faults = code === exit ? [] : [`exit code ${code} instead of ${exit}`];
  if (errors.length !== 1) faults.push(`${errors.length} lines of error instead of one`);
  const [, message = "", said] = /^error: (.*) \((\w+)\)$/.exec(errors[0] ?? "") ?? [];
  return [...faults, ...judgeMessage(message, said, one), ...judgeOutput(stderr, stdout)];
}

/** What is wrong with an error's message and code, wherever it came from. */
export function judgeMessage(message, code, one) {
  const faults = [];
  if (code !== one.code) faults.push(`the code ${code} instead of ${one.code}`);
  for (const name of [].concat(one.names ?? [])) {
    if (!message.includes(name)) faults.push(`does not name ${JSON.stringify(name)}`);
  }
  if (!/[.?!]$/.test(message)) faults.push("is no sentence");
  if (message.length > 1500) faults.push(`has ${message.length} characters`);
  const raw =
    /\bE[A-Z]{4,}: |\bsyscall\b|is not a function|not iterable|Cannot (read|set|convert)|\[object |(?<!\b(?:is|not|be) )\bundefined\b/;
  const internal = raw.exec(message.replaceAll(one.quotes ?? "\0", ""));
  if (internal) faults.push(`shows an internal error: ${internal[0]}`);
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/.test(message))
    faults.push("shows control characters");
  return faults;
}

function judgeOutput(stderr, stdout) {
  const faults = [];
  if (/^\s+at .+:\d+:\d+\)?$/m.test(stderr)) faults.push("shows a stack");
  if (stdout !== "" && !stdout.startsWith("{")) faults.push("writes a result to stdout");
  return faults;
}

function costs({ cpuSeconds, kilobytes, wallSeconds }) {
  const faults = [];
  if (cpuSeconds === undefined) return ["ended without its measures"];
  if (cpuSeconds > limits.cpuSeconds) faults.push(`took ${cpuSeconds.toFixed(1)} s of CPU`);
  if (wallSeconds > limits.wallSeconds) faults.push(`took ${wallSeconds.toFixed(1)} s`);
  if (kilobytes > 1000 * limits.megabytes) faults.push(`took ${Math.round(kilobytes / 1000)} MB`);
  return faults;
}

export { costs, differences, treeOf };

/** Everything in a folder: for each path its kind, and the content of plain files up to 1 MiB, else their size. */
function treeOf(folder) {
  const tree = new Map();
  const visit = (path, name) => {
    const found = lstatSync(path);
    if (found.isSymbolicLink()) tree.set(name, `link to ${readlinkSync(path)}`);
    else if (found.isFile()) tree.set(name, found.size > 1 << 20 ? `${found.size} bytes` : digest(path));
    else tree.set(name, found.isDirectory() ? "directory" : "other");
    if (found.isDirectory()) for (const entry of readdirSync(path)) visit(join(path, entry), join(name, entry));
  };
  visit(folder, ".");
  return tree;
}

function digest(path) {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

function differences(before, after) {
  const written = [...after].filter(([path, kind]) => before.get(path) !== kind).map(([path]) => path);
  const gone = [...before.keys()].filter((path) => !after.has(path));
  return [
    ...(written.length > 0 ? [`wrote ${written.slice(0, 5).join(", ")}`] : []),
    ...(gone.length > 0 ? [`removed ${gone.slice(0, 5).join(", ")}`] : []),
  ];
}

function apiProcess(root, module, names, fixtures) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--expose-gc", apiChild], {
      env: { PATH, HOME: root, TMPDIR: root, MULDE_THREADS: "1" },
      stdio: ["pipe", "pipe", "pipe"],
    });
    let lines = "";
    let stderr = "";
    let timer;
    const watch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => child.kill("SIGKILL"), 1000 * hangSeconds);
    };
    watch();
    child.stdin.on("error", () => undefined).end(JSON.stringify({ root, module, names, fixtures }));
    child.stdout.setEncoding("utf8").on("data", (text) => {
      lines += text;
      watch();
    });
    child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const outcomes = lines
        .split("\n")
        .filter((line) => line.startsWith('{"name"'))
        .map((line) => JSON.parse(line));
      resolve({ outcomes, stderr, end: signal ?? `exit code ${code}` });
    });
  });
}
