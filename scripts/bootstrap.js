// `npm start` and `npm test`, on a machine that has Node and nothing else: install with the pinned pnpm, build, run. Node 14 can read its
// syntax and imports, so that an old Node gets the message below and not a parse error.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { supports } from "./_node.js";
import { pnpm, run } from "./_pnpm.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const command = process.argv[2];
const args = process.argv.slice(3);

function turbo(turboArgs, options) {
  return pnpm(["exec", "turbo", "run", ...turboArgs], options);
}

function say(message) {
  console.error(`mulde: ${message}`);
}

function fail(message, code = 1) {
  say(message);
  process.exit(code);
}

function install() {
  say(`installing packages with ${manifest.packageManager}`);
  // Without a terminal pnpm would stop to ask before it replaces a node_modules of another layout.
  const args = ["install", "--frozen-lockfile", "--loglevel=warn", "--config.confirm-modules-purge=false"];
  if (pnpm(args) !== 0) {
    fail("the installation failed; see above. It needs the npm registry, directly or through your .npmrc.");
  }
}

function build(turboArgs) {
  say("building, which takes a minute at first");
  if (turbo(["build", "--output-logs=errors-only", ...turboArgs]) !== 0) fail("the build failed; see above.");
  // Turbo's cache may hold a build made without a compiler although there is one by now. To ask again is quick if there is none. Nothing
  // depends on the answer: without native kernels WebAssembly serves.
  const built = `${root}/packages/kernels/dist`;
  if (!existsSync(built) || !readdirSync(built).some((name) => name.endsWith(".node"))) {
    run(process.execPath, ["packages/kernels/scripts/build-native.js"]);
  }
}

/** Runs every package's tests, then the repository's own, and prints the sums. */
async function test() {
  const { clearReports, printReport } = await import("./_report.js");
  clearReports(root);
  // One package at a time: training tests use every core themselves.
  let code = turbo(["test", "--concurrency=1", "--continue=always", ...args], { stdout: 1 });
  // If asked for some packages only, leave the repository's own tests out.
  const whole = !args.some((arg) => arg.startsWith("--filter") || arg === "-F");
  if (whole) code = run(process.execPath, ["node_modules/vitest/vitest.mjs", "run"], { stdout: 1 }) || code;
  process.exitCode = printReport(root, { whole, code });
}

if (!supports(manifest.engines.node, process.versions.node)) {
  fail(`Node ${process.versions.node} is not supported: install Node ${manifest.engines.node} (20 LTS or newer).`);
}
if (!["setup", "start", "test"].includes(command)) {
  fail("usage: node scripts/bootstrap.js setup|start|test [arguments]", 2);
}

install();
build(command === "start" ? ["--filter=@mulde/cli"] : []);
if (command === "start") {
  process.exitCode = run(process.execPath, ["apps/cli/bin/mulde.js", "quickstart", ...args], { stdout: 1 });
}
if (command === "test") void test();
