// Whether releases work: in a copy of this repository, releases every package to a registry of its own, installs them by npm into an empty
// project, releases a patch of one package and a minor of another, and gets those by `npm update`:
//   node .ci/release/test.js
// The last line is "N passed, N failed". The exit code is 77 where verdaccio cannot be installed.
import { execFileSync, spawnSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { binaryOf, everyPackage } from "../../scripts/_packages.js";
import { installVerdaccio, startRegistry, versionsIn } from "./registry.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const work = mkdtempSync(join(tmpdir(), "mulde-release-"));
const copy = join(work, "mulde");
const project = join(work, "project");
const started = Date.now();
let passed = 0;
let failed = 0;

function say(text) {
  console.log(`--- ${text} (after ${Math.round((Date.now() - started) / 1000)} s)`);
}

function check(what, found, expected) {
  const [is, should] = [found, expected].map((value) => JSON.stringify(value, undefined, 2));
  if (is === should) passed++;
  else {
    failed++;
    console.log(`FAILED: ${what}\nexpected ${should}\nfound ${is}`);
  }
}

/** Runs a program and gives what it prints; what it says beside that is shown. */
function run(folder, program, ...args) {
  const options = { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] };
  return execFileSync(program, args, { ...options, shell: program === "npm" && process.platform === "win32" });
}

const git = (...args) => run(copy, "git", ...args);

function commit(message) {
  git("add", "--all");
  git("commit", "--quiet", `--message=${message}`);
}

const published = () => everyPackage(copy).filter(({ manifest }) => !manifest.private);
/** Every package as NAME@VERSION, as tags and the registry have it. */
const current = () => published().map(({ manifest: { name, version } }) => `${name}@${version}`);

/** Copies what git would commit, and an empty project. In both, our packages go to the registry and come from it; others are not its business. */
function prepare({ host, token }) {
  const files = run(root, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0");
  for (const file of files) if (file && existsSync(join(root, file))) cpSync(join(root, file), join(copy, file));
  const registry = `@mulde:registry=http://${host}/\n`;
  appendFileSync(join(copy, ".npmrc"), `${registry}//${host}/:_authToken=${token}\n`);
  git("init", "--quiet", "--initial-branch=main");
  const settings = {
    "user.name": "ci",
    "user.email": "ci@localhost",
    "commit.gpgSign": "false",
    "tag.gpgSign": "false",
  };
  for (const [name, value] of Object.entries(settings)) git("config", name, value);
  commit("The repository");
  const { packageManager } = JSON.parse(readFileSync(join(copy, "package.json"), "utf8"));
  run(copy, "npx", "--yes", packageManager, "install", "--frozen-lockfile", "--prefer-offline", "--loglevel=warn");
  mkdirSync(project);
  writeFileSync(join(project, ".npmrc"), registry);
  writeFileSync(join(project, "package.json"), '{ "private": true }');
}

/** Gives each platform its binary, if it is built here; only that of this machine is ever loaded. */
function fillPlatforms() {
  for (const one of published()) {
    const binary = binaryOf(one);
    if (!binary) continue;
    const local = `packages/kernels/dist/mulde-${basename(one.folder)}.node`;
    const from = [binary, local].find((file) => existsSync(join(root, file)));
    if (from) cpSync(join(root, from), join(copy, binary));
    else {
      console.log(`NOT BUILT HERE: the binary of ${one.manifest.name}; an empty one is published in its place`);
      writeFileSync(join(copy, binary), "");
    }
  }
}

/** What a release says that it publishes. */
function release(...args) {
  const [, ...lines] = run(copy, "npm", "run", "--silent", "release", "--", ...args)
    .trim()
    .split("\n");
  return lines.map((line) => line.split(/\s+/).slice(0, 2).join("@")).sort();
}

/** Our packages below the project, also second copies, which npm puts inside the package that needs them. */
function installed() {
  const { packages } = JSON.parse(readFileSync(join(project, "package-lock.json"), "utf8"));
  const ours = Object.keys(packages).filter((path) => path.includes("node_modules/@mulde/"));
  // Those for other platforms are in the lockfile alone.
  const here = ours.filter((path) => existsSync(join(project, path)));
  return here.map((path) => `${path.slice("node_modules/".length)}@${packages[path].version}`).sort();
}

/** What the project should have: every package, but those of other platforms. */
function wanted() {
  const elsewhere = (one) => binaryOf(one) && !existsSync(join(project, "node_modules", one.manifest.name));
  const [there, all] = [published().filter(elsewhere), current()];
  return all.filter((tag) => !there.some(({ manifest: { name, version } }) => tag === `${name}@${version}`)).sort();
}

/** The packages with binaries for this machine. */
function platformsHere() {
  const libc = process.report.getReport().header.glibcVersionRuntime ? "glibc" : "musl";
  const fits = ({ os, cpu, libc: library = [libc] }) =>
    os.includes(process.platform) && cpu.includes(process.arch) && library.includes(libc);
  return published().filter((one) => binaryOf(one) && fits(one.manifest.publishConfig));
}

function smoke(what) {
  check(what, spawnSync(process.execPath, [join(root, ".ci/smoke.js"), project], { stdio: "inherit" }).status, 0);
}

async function first({ host }) {
  run(copy, "npm", "run", "--silent", "version-packages");
  commit("The first versions");
  const all = current().sort();
  check("every package begins with 0.1.0", [...new Set(all.map((tag) => tag.split("@").at(-1)))], ["0.1.0"]);
  fillPlatforms();

  say("a dry run");
  const state = () => [git("rev-parse", "HEAD"), git("status", "--short"), git("tag")];
  const before = state();
  check("a dry run names every package", release("--dry-run"), all);
  check("a dry run leaves git as it is", state(), before);
  const names = published().map(({ manifest }) => manifest.name);
  check("a dry run uploads nothing", await versionsIn(host, names), []);

  say("the first release");
  check("the release names every package", release(), all);
  check("the registry has every package", await versionsIn(host, names), all);
  check("each package has its tag", git("tag").trim().split("\n").sort(), all);

  say("npm install in an empty project");
  run(project, "npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "@mulde/mulde-trainer", "@mulde/cli");
  check("npm installs each package once", installed(), wanted());
  const binaries = installed().filter((tag) => tag.startsWith("@mulde/kernels-"));
  const here = platformsHere().map(({ manifest: { name, version } }) => `${name}@${version}`);
  check("npm installs the binary of this platform alone", binaries, here);
  const { kernels } = JSON.parse(
    run(project, process.execPath, "node_modules/@mulde/cli/bin/mulde.js", "info", "--json"),
  );
  const real = platformsHere().some((one) => statSync(join(copy, binaryOf(one))).size > 0);
  check("the kernels are native where there is a binary", kernels.split(" ")[0], real ? "native" : "wasm");
  smoke("what is installed distils a Junior");
}

/** Releases a change of one package, which moves those in `moves`, and gets it into the project. */
async function change(name, type, moves) {
  say(`a ${type} of ${name}`);
  const before = current();
  const { folder } = published().find(({ manifest }) => manifest.name === name);
  appendFileSync(join(copy, folder, "src/index.ts"), `export const released = "${type}";\n`);
  writeFileSync(join(copy, ".changeset/change.md"), `---\n"${name}": ${type}\n---\n\n\`released\` is new.\n`);
  run(copy, "npm", "run", "--silent", "version-packages");
  commit(`A ${type} of ${name}`);
  const moved = current().filter((tag) => !before.includes(tag));
  check(`a ${type} of ${name} moves these alone`, moved.sort(), moves);
  check(`a ${type} of ${name} publishes these alone`, release(), moves);
  check(`a ${type} of ${name} tags these alone`, git("tag", "--points-at", "HEAD").trim().split("\n").sort(), moves);

  run(project, "npm", "update", "--ignore-scripts", "--no-audit", "--no-fund");
  check(`npm update brings them, each once`, installed(), wanted());
  const script = `import("${name}").then(({ released }) => console.log(released))`;
  check(`the new ${name} is what was changed`, run(project, process.execPath, "-e", script).trim(), type);
  const { dependencies } = JSON.parse(readFileSync(join(project, "node_modules/@mulde/cli/package.json"), "utf8"));
  console.log(`moved: ${moved.join(", ")}; the command asks for ${name} ${dependencies[name]}`);
}

const program = installVerdaccio(join(work, "verdaccio"));
try {
  if (program) {
    const registry = await startRegistry(program, join(work, "registry"));
    try {
      prepare(registry);
      await first(registry);
      // The ranges of its dependants have a patch.
      await change("@mulde/eval", "patch", ["@mulde/eval@0.1.1"]);
      // At 0.x they end before a minor, so that what imports the package gets a patch with the new range.
      await change("@mulde/senior", "minor", ["@mulde/cli@0.1.1", "@mulde/mulde-trainer@0.1.1", "@mulde/senior@0.2.0"]);
      smoke("what is installed then distils a Junior");
    } finally {
      registry.stop();
    }
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
if (program) {
  say("the end");
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
} else {
  console.log("!!! NOT TESTED: no release was tried, since verdaccio cannot be installed here");
  process.exitCode = 77;
}
