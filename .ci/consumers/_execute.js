// Commands, with all that they print kept for the case that fails.
import { spawn } from "node:child_process";

/** The environment of a user: nothing of the workspace's own settings. */
export function userEnvironment(changes = {}) {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      !/^(MULDE_|TURBO_|npm_(lifecycle|package)_|(NODE_OPTIONS|NODE_PATH|NODE_ENV|CI|FORCE_COLOR)$)/.test(name),
  );
  const changed = Object.entries({ ...Object.fromEntries(kept), NO_COLOR: "1", ...changes });
  return Object.fromEntries(changed.filter(([, value]) => value !== undefined));
}

/**
 * Runs a command to its end, and returns what it printed.
 *
 * @param options - `cwd`; `env`: changes to the user's environment, undefined to leave a name out; `seconds` until it is killed (300);
 *   `status` that is expected (0)
 */
export function execute(command, args, { cwd, env, seconds = 300, status = 0 } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: userEnvironment(env), stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr, late] = ["", "", false];
    child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, seconds * 1000);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (code === status) return resolve({ stdout, stderr });
      const end = late ? `still ran after ${seconds} s` : `ended with ${signal ?? code}, not ${status}`;
      const error = new Error(`${[command, ...args].join(" ")} ${end}:\n${stderr}${stdout}`);
      reject(Object.assign(error, { stack: undefined }));
    });
  });
}

/** The JSON in the last line of what a program printed. */
export function lastJson({ stdout, stderr }) {
  try {
    return JSON.parse(stdout.trimEnd().split("\n").at(-1));
  } catch (cause) {
    throw new Error(`The last line is no JSON:\n${stderr}${stdout}`, { cause });
  }
}
