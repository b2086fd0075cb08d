// Whether the addons in packages/kernels/platforms need nothing that their platform lacks, and give Node what it looks for:
//   node .ci/platforms/binaries.js [key...]
// For macOS that is all that is tested here. The exit code is 77 without binutils, or if nothing is built.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { platforms } from "../../packages/kernels/scripts/platforms.js";
import { readElf, readMachO, readPe } from "./_formats.js";

const muslLoader = "/lib/ld-musl-x86_64.so.1";
const entries = ["napi_register_module_v1", "node_api_module_get_api_version_v1"];
const isNode = (name) => name.startsWith("napi_");

/** The digits of GLIBC_2.17 as a number that can be compared. */
const order = (version) => Number(version.replace("GLIBC_2.", ""));

function checkElf(file, { cpu, libc }) {
  const elf = readElf(file);
  assert.equal(elf.machine, { x64: "Advanced Micro Devices X86-64", arm64: "AArch64" }[cpu]);
  assert.equal(elf.stays, true, "it may be unloaded under its threads");
  const own = elf.gives.filter((name) => name !== "_init" && name !== "_fini");
  assert.deepEqual(own.sort(), entries);
  assert.ok(elf.needs.some(isNode), "it needs nothing of Node");
  if (libc === "glibc") {
    assert.deepEqual(elf.libraries.sort(), ["libc.so.6", "libpthread.so.0"]);
    const newest = elf.versions.sort((a, b) => order(a) - order(b)).at(-1);
    // Node's own binaries need 2.28.
    assert.ok(order(newest) <= 17, `it needs ${newest}`);
    return newest.replace("_", " ");
  }
  assert.deepEqual(elf.libraries, ["libc.so"]);
  assert.deepEqual(elf.versions, []);
  if (!existsSync(muslLoader)) return "musl (its symbols not looked up: there is no musl here)";
  const musl = readElf(muslLoader).gives;
  const missing = elf.needs.filter((name) => !isNode(name) && !musl.includes(name));
  assert.deepEqual(missing, [], "musl lacks symbols");
  return "musl";
}

function checkPe(file) {
  const pe = readPe(file);
  assert.equal(pe.machine, "pei-x86-64");
  assert.deepEqual(pe.gives.sort(), entries);
  const { "node.exe": node, "kernel32.dll": kernel, ...rest } = pe.imports;
  assert.ok(node.length > 0 && node.every(isNode), "what it imports from Node");
  assert.ok(kernel.length > 0);
  // The C library that Windows 10 and later bring along.
  for (const name of Object.keys(rest)) assert.match(name, /^api-ms-win-crt-\w+-l1-1-0\.dll$/);
  return "Windows' own C library";
}

function checkMachO(file, { cpu }) {
  const macho = readMachO(file);
  assert.equal(macho.machine, cpu);
  assert.equal(macho.name, "mulde.node");
  assert.deepEqual(macho.libraries, ["/usr/lib/libSystem.B.dylib"]);
  assert.equal(macho.oldest, 11);
  // Apple's processors run nothing without one.
  if (cpu === "arm64") assert.equal(macho.signed, true, "it is not signed");
  for (const name of entries) assert.ok(macho.gives.includes(name), `it has no ${name}`);
  const node = Object.entries(macho.needs).filter(([name]) => isNode(name));
  assert.ok(node.length > 0, "it needs nothing of Node");
  // Node's symbols may be anywhere, all others are in the one library.
  const anywhere = -2;
  for (const [name, library] of Object.entries(macho.needs)) {
    assert.equal(library, isNode(name) ? anywhere : 1, `${name} is looked for in library ${library}`);
  }
  return "macOS 11; untested, since nothing here runs it";
}

const checks = { linux: checkElf, win32: checkPe, darwin: checkMachO };
if (["readelf", "objdump"].some((tool) => spawnSync(tool, ["--version"]).status !== 0)) {
  console.error("readelf or objdump is missing: install binutils");
  process.exit(77);
}
const asked = process.argv.slice(2);
let checked = 0;
for (const key of asked.length > 0 ? asked : Object.keys(platforms)) {
  const file = fileURLToPath(new URL(`../../packages/kernels/platforms/${key}/mulde.node`, import.meta.url));
  if (!existsSync(file)) {
    console.log(`${key}: not built`);
    if (asked.length > 0) process.exitCode = 77;
    continue;
  }
  checked++;
  try {
    console.log(`${key}: ${statSync(file).size} bytes, needs ${checks[platforms[key].os](file, platforms[key])}`);
  } catch (error) {
    console.error(`${key}: ${error.message}`);
    process.exitCode = 1;
  }
}
if (checked === 0) process.exitCode = 77;
