// `npm start` and `npm test`, on a machine that has Node and nothing else: install with the pinned pnpm, build, run. Syntax and
// imports are what Node 14 reads, so that an old Node gets the message below and not a parse error.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { supports } from "./_node.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const command = process.argv[2];
const args = process.argv.slice(3);

const environment = {
  ...process.env,
  // The project's .npmrc silences npm for the sake of `npm start -- --json`; what npx has to say here is wanted.
  npm_config_loglevel: "notice",
  TURBO_TELEMETRY_DISABLED: "1",
  TURBO_NO_UPDATE_NOTIFIER: "1",
};

/** Runs a command in the root and returns its exit code. Its output goes to stderr unless `stdout` says otherwise. */
function run(program, programArgs, stdout = 2) {
  const { status, error } = spawnSync(program, programArgs, {
    cwd: root,
    env: environment,
    stdio: ["inherit", stdout, "inherit"],
    // npx is a .cmd file there, which only a shell starts.
    shell: program === "npx" && process.platform === "win32",
  });
  if (error) fail(`${program} could not be started: ${error.message}`);
  return status === null ? 1 : status;
}

/** pnpm in the version that package.json pins, which npx fetches where it is missing. Turbo finds it on its PATH, too. */
function pnpm(pnpmArgs, stdout) {
  return run("npx", ["--yes", manifest.packageManager, ...pnpmArgs], stdout);
}

function turbo(turboArgs, stdout) {
  return pnpm(["exec", "turbo", "run", ...turboArgs], stdout);
}

function fail(message, code = 1) {
  console.error(`mulde: ${message}`);
  process.exit(code);
}

function install() {
  // Without a terminal pnpm would stop to ask before it replaces a node_modules of another layout.
  if (pnpm(["install", "--frozen-lockfile", "--config.confirm-modules-purge=false"]) !== 0) {
    fail(
      "the installation failed; its message stands above. It needs the npm registry, directly or through your .npmrc.",
    );
  }
}

function build(turboArgs) {
  if (turbo(["build", ...turboArgs]) !== 0) fail("the build failed; its message stands above.");
  // A build without a compiler may come from turbo's cache although there is one by now, so ask again: it is quick without.
  if (!existsSync(`${root}/packages/kernels/dist/mulde-${process.platform}-${process.arch}.node`)) {
    run(process.execPath, ["packages/kernels/scripts/build-native.js"]);
  }
}

/** The test run: every package's tests, then those of the repository itself, then the sums. */
async function test() {
  const { clearReports, printReport } = await import("./_report.js");
  clearReports(root);
  // One package at a time: training tests use every core themselves.
  let code = turbo(["test", "--concurrency=1", "--continue=always", ...args], 1);
  // Asked for some packages only, leave the repository's own tests out.
  const whole = !args.some((arg) => arg.startsWith("--filter") || arg === "-F");
  if (whole) code = run(process.execPath, ["node_modules/vitest/vitest.mjs", "run"], 1) || code;
  process.exitCode = printReport(root, { whole, code });
}

if (!supports(manifest.engines.node, process.versions.node)) {
  fail(`Node ${process.versions.node} is not supported: install Node ${manifest.engines.node} (20 LTS or newer).`);
}
if (!["setup", "start", "test"].includes(command))
  fail("usage: node scripts/bootstrap.js setup|start|test [arguments]", 2);

install();
build(command === "start" ? ["--filter=@mulde/cli"] : []);
if (command === "start") process.exitCode = run(process.execPath, ["apps/cli/bin/mulde.js", "quickstart", ...args], 1);
if (command === "test") void test();
