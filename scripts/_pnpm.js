// Starts programs in the root. Node 14 can read this: bootstrap.js imports it before it looks at Node's version.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const { packageManager } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

const environment = {
  ...process.env,
  // npm would add its own news; the project's .npmrc silences npm altogether, which would hide why npx failed.
  npm_config_loglevel: "error",
  // That of pnpm too, which advises to pipe a script from the internet into a shell.
  npm_config_update_notifier: "false",
  TURBO_TELEMETRY_DISABLED: "1",
  TURBO_NO_UPDATE_NOTIFIER: "1",
};

/**
 * Runs a program and returns its exit code. Its output goes to stderr unless `stdout` says otherwise.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ stdout?: number, env?: Record<string, string> }} [options]
 * @returns {number}
 */
export function run(program, args, { stdout = 2, env = {} } = {}) {
  const options = {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    env: { ...environment, ...env },
    stdio: ["inherit", stdout, "inherit"],
  };
  // On Windows npx is a .cmd file, which only a shell starts; the shell is given one line and quotes nothing itself.
  const { status, error } =
    program === "npx" && process.platform === "win32"
      ? spawnSync([program, ...args.map(quoted)].join(" "), { ...options, shell: true })
      : spawnSync(program, args, options);
  if (error) console.error(`mulde: ${program} could not be started: ${error.message}`);
  return status === null ? 1 : status;
}

/**
 * Runs pnpm in the version that package.json pins; npx fetches it if it is missing. Turbo finds it on its PATH, too.
 *
 * @param {readonly string[]} args
 * @param {{ stdout?: number, env?: Record<string, string> }} [options]
 */
export function pnpm(args, options) {
  return run("npx", ["--yes", "--prefer-offline", packageManager, ...args], options);
}

/** An argument as cmd.exe and the programs that it starts read it. */
export function quoted(arg) {
  return /^[\w@:,./\\=+-]+$/.test(arg) ? arg : `"${arg.replace(/"/g, '""')}"`;
}
