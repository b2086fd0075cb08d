// What the scripts share that run the kernels' tests on other hosts (packages/kernels/conformance).
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildConformance } from "../packages/kernels/conformance/build.js";

/** Ends the script as `.ci/run` expects it where a tool is missing. */
export function skip(reason) {
  console.log(reason);
  process.exit(77);
}

/** The options of a script, with those that all have. */
export function optionsOf(options = {}) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { whole: { type: "boolean", default: false }, packages: { type: "string" }, ...options },
  });
  return { ...values, hosts: positionals };
}

/** A temporary folder; it is deleted when the process ends. */
export function temporary() {
  const folder = mkdtempSync(join(tmpdir(), "mulde-conformance-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** The tests and the packages that they need: those of the workspace, or those installed in the folder `packages`. */
export async function kit(folder, packages) {
  if (packages !== undefined) {
    const installed = resolve(packages, "node_modules/@mulde");
    const needed = readdirSync(installed).filter((name) => /^(errors|kernels(-.+)?)$/.test(name));
    for (const name of needed) {
      cpSync(join(installed, name), join(folder, "node_modules/@mulde", name), { recursive: true, dereference: true });
    }
  }
  await buildConformance(folder);
  return folder;
}

/** Whether the kit has native kernels for a platform. */
export function hasNative(folder, platform) {
  const scope = join(folder, "node_modules/@mulde");
  const packaged = readdirSync(scope).some((name) => name.startsWith(`kernels-${platform}`));
  const built = join(scope, "kernels/dist");
  return packaged || (existsSync(built) && readdirSync(built).some((name) => name.startsWith(`mulde-${platform}`)));
}

let passed = 0;
let failed = 0;

/** Tells what came of a run of the tests, and counts it. */
export function tell(title, { engines, failures, seconds, ...counts }) {
  passed += counts.passed;
  failed += counts.failed;
  const ran = engines.map(({ name, threads }) => `${name} (threads: ${threads.join(", ")})`).join(", ");
  console.log(`${title}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped in ${seconds} s`);
  console.log(`  on ${ran}`);
  for (const { test, message } of failures) console.log(`  FAILED ${test}: ${message}`);
}

/** Counts one more check. */
export function check(name, holds, found) {
  if (holds) passed++;
  else failed++;
  console.log(`  ${holds ? "holds" : "FAILED"}: ${name}${holds ? "" : ` (found ${JSON.stringify(found)})`}`);
}

/** Prints the sums, as the last line of the script. */
export function finish() {
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}
