// Runs the kernels' tests on other runtimes than this Node:
//   node .ci/runtimes.js bun|deno|wine|arm64|musl|permission [--whole] [--packages FOLDER] [--node PATH]...
// wine is Windows' Node under wine, arm64 Linux's Node for arm64 under qemu, musl Bun on musl's C library, permission is Node's permission model
// (of this Node and those at PATH). A sample of the tests, or with --whole all; the packages of the workspace, or those installed in FOLDER.
// Exit code 77: a tool is missing.
import { execFileSync, spawnSync } from "node:child_process";
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Tools } from "./consumers/tools.js";
import { check, finish, hasNative, kit, optionsOf, skip, tell, temporary } from "./_kit.js";

const { hosts, whole, packages, node } = optionsOf({ node: { type: "string", multiple: true, default: [] } });
const { platform, arch } = process;
const wasm = ["wasm", "single"];
const folder = temporary();
const tools = new Tools(join(folder, "tools"));

/** Runs a script of the kit. Its output goes into files, because Windows' Node cannot write into wine's pipes. */
function output([command, ...args], env = {}) {
  const paths = ["out", "err"].map((name) => join(folder, name));
  const files = paths.map((path) => openSync(path, "w"));
  const { error } = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", ...files],
    env: { ...process.env, MULDE_KERNELS: "", MULDE_THREADS: "", NO_COLOR: "1", ...env },
    timeout: 3_000_000,
  });
  files.forEach((file) => closeSync(file));
  if (error) throw error;
  const [out, err] = paths.map((path) => readFileSync(path, "utf8").trim());
  try {
    return JSON.parse(out.split("\n").at(-1));
  } catch {
    return err || "no output";
  }
}

/** Runs the tests on these engines, each of which must be there. */
function suite(title, command, engines, { threads = "1,2", every = "7", env } = {}) {
  const options = ["--engines", engines.join(","), "--threads", threads, "--every", whole ? "1" : every];
  const report = output([...command, "main.js", ...options], env);
  if (typeof report === "string") check(`${title}: the tests run on ${engines.join(" and ")}`, false, report);
  else tell(`${title} (${report.host})`, report);
}

/** What createKernels() makes without options. */
function usual(title, command, expected) {
  const found = output([...command, "usual.js"]);
  const holds = Object.entries(expected).every(([name, value]) => found[name] === value);
  check(`${title}: createKernels() gives ${JSON.stringify(expected)}`, holds, found);
  if (found.fallback !== undefined) console.log(`    since ${found.fallback}`);
}

/** The engines that the kit has for a platform: it tells if it has no native one. */
function enginesFor(key) {
  if (hasNative(root, key)) return ["native", ...wasm];
  console.log(`  no native kernels for ${key} are built: WebAssembly alone`);
  return wasm;
}

/** Foreign processors and C libraries matter to native kernels alone. */
function nativeFor(key) {
  if (!hasNative(root, key)) skip(`build them first: node packages/kernels/scripts/build-platforms.js ${key}`);
  return ["native"];
}

const find = (...names) => {
  const places = [...process.env.PATH.split(delimiter), "/usr/lib/wine"];
  return places.flatMap((place) => names.map((name) => join(place, name))).find(existsSync);
};

const native = () => hasNative(root, `${platform}-${arch}`);

async function bun() {
  const bin = await tools.bin("bun");
  suite("Bun", [bin], enginesFor(`${platform}-${arch}`));
}

async function deno() {
  const bin = await tools.bin("deno");
  const least = [bin, "run", "--no-prompt", "--allow-read", "--allow-env=MULDE_KERNELS,MULDE_THREADS"];
  usual("Deno, with read and env permissions", least, { kind: "wasm" });
  if (native()) usual("Deno, with --allow-ffi too", [...least, "--allow-ffi"], { kind: "native" });
  suite(
    "Deno",
    [bin, "run", "--no-prompt", "--allow-read", "--allow-env", "--allow-ffi"],
    enginesFor(`${platform}-${arch}`),
  );
}

async function wine() {
  const [bin, server] = [find("wine64"), find("wineserver64", "wineserver")];
  if (bin === undefined || server === undefined) skip("no wine64 in PATH or in /usr/lib/wine");
  const node = await tools.bin("node20-windows");
  // wine calls itself an older Windows than Node wants.
  const env = { WINEPREFIX: join(folder, "wine"), WINEDEBUG: "-all", NODE_SKIP_PLATFORM_CHECK: "1" };
  try {
    suite("Windows, under wine", [bin, node], enginesFor("win32-x64"), { env });
  } finally {
    spawnSync(server, ["--kill"], { env: { ...process.env, ...env } });
  }
}

async function arm64() {
  const engines = nativeFor("linux-arm64-gnu");
  const qemu = find("qemu-aarch64");
  // Where Debian's compiler for arm64 has the C library.
  const system = "/usr/aarch64-linux-gnu";
  if (qemu === undefined || !existsSync(system)) skip("no qemu-aarch64 (qemu-user), or no C library for arm64");
  const node = await tools.bin("node22-arm64");
  suite("Linux on arm64, under qemu", [qemu, "-L", system, node], engines, { every: "31" });
}

async function musl() {
  const engines = nativeFor("linux-x64-musl");
  const loader = "/lib/ld-musl-x86_64.so.1";
  if (!existsSync(loader) || find("musl-gcc") === undefined) skip("no musl, or no musl-gcc (musl-tools)");
  const libraries = join(folder, "libraries");
  mkdirSync(libraries);
  for (const name of ["libstdc++.so.6", "libgcc_s.so.1"]) {
    const path = execFileSync("g++", [`-print-file-name=${name}`], { encoding: "utf8" }).trim();
    cpSync(path, join(libraries, name), { dereference: true });
  }
  symlinkSync(loader, join(libraries, "ld-linux-x86-64.so.2"));
  const shim = join(libraries, "shim.so");
  const source = fileURLToPath(new URL("platforms/musl-shim.c", import.meta.url));
  execFileSync("musl-gcc", ["-shared", "-fPIC", "-O1", source, "-o", shim]);
  const bun = await tools.bin("bun-musl");
  const command = [loader, "--preload", shim, "--library-path", libraries, bun];
  const maps = output([...command, "maps.js"]);
  check("Linux with musl, in Bun: the addon for musl is loaded", /linux-x64-musl\/mulde\.node$/.test(maps), maps);
  suite("Linux with musl, in Bun", command, engines);
}

function permission() {
  for (const path of [process.execPath, ...node]) {
    const version = output([path, "-p", "JSON.stringify(process.versions.node)"]);
    const flag = version.startsWith("20.") ? "--experimental-permission" : "--permission";
    const command = [path, flag, `--allow-fs-read=${root}`, "--no-warnings"];
    const title = `Node ${version} ${flag} --allow-fs-read`;
    usual(title, command, { kind: "wasm", threads: 1 });
    // What is allowed decides what loads; what it computes is the same.
    const every = "43";
    suite(title, command, wasm, { threads: "1", every });
    suite(`${title} --allow-worker`, [...command, "--allow-worker"], wasm, { every });
    if (!native()) continue;
    const addons = [...command, "--allow-addons"];
    usual(`${title} --allow-addons`, addons, { kind: "native" });
    suite(`${title} --allow-addons`, addons, ["native"], { every });
  }
}

const known = { bun, deno, wine, arm64, musl, permission };
if (hosts.length !== 1 || !(hosts[0] in known)) throw new Error(`Name one of ${Object.keys(known).join(", ")}.`);
// Nodes with permissions compare real paths.
const root = realpathSync(await kit(join(folder, "kit"), packages));
writeFileSync(
  join(root, "usual.js"),
  `import { createKernels } from "@mulde/kernels";
const kernels = await createKernels();
const { kind, isa, threads, fallback } = kernels.engine;
console.log(JSON.stringify({ kind, isa, threads, fallback }));
await kernels.close();
`,
);
writeFileSync(
  join(root, "maps.js"),
  `import { readFileSync } from "node:fs";
import { createKernels } from "@mulde/kernels";
await createKernels({ engine: "native" });
const maps = readFileSync("/proc/self/maps", "utf8").split("\\n");
console.log(JSON.stringify(maps.find((line) => line.endsWith(".node"))));
`,
);
await known[hosts[0]]();
finish();
