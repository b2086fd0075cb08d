// Adds up the reports that vitest leaves in every package (test-results.json).
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { packages } from "./_packages.js";

const report = "test-results.json";

/** Removes the reports of earlier runs, so that none is counted for a package whose run broke off. */
export function clearReports(root) {
  for (const folder of folders(root)) rmSync(join(root, folder, report), { force: true });
}

/**
 * The counts of one vitest report. A file that failed without a failed test (it could not be loaded, a hook threw) counts as one
 * failed test; a run without tests, or one that failed as a whole, is a failure too.
 */
export function countTests({ testResults, success }) {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for (const file of testResults) {
    const statuses = file.assertionResults.map(({ status }) => status);
    const failures = statuses.filter((status) => status === "failed").length;
    passed += statuses.filter((status) => status === "passed").length;
    failed += failures === 0 && file.status === "failed" ? 1 : failures;
    skipped += statuses.filter((status) => status !== "passed" && status !== "failed").length;
  }
  if (failed === 0 && (passed === 0 || !success)) failed = 1;
  return { passed, failed, skipped };
}

/**
 * Prints a line for each package and, last, "N passed, N failed". Returns the exit code.
 *
 * @param whole - whether all packages had to run; else those without a report were not asked
 * @param code - exit code of the test runs: when it is not 0, something failed even if every report looks well
 */
export function printReport(root, { whole, code }) {
  let passed = 0;
  let failed = 0;
  console.log("");
  for (const folder of folders(root)) {
    const path = join(root, folder, report);
    const missing = !existsSync(path);
    if (missing && !whole) continue;
    const counts = missing ? { passed: 0, failed: 1, skipped: 0 } : countTests(JSON.parse(readFileSync(path, "utf8")));
    passed += counts.passed;
    failed += counts.failed;
    const name = folder === "." ? "the repository" : folder;
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
    const remark = missing
      ? " (its tests did not run)"
      : counts.passed + counts.failed === 1 && failed
        ? " (see above)"
        : "";
    console.log(`${name.padEnd(24)} ${counts.passed} passed, ${counts.failed} failed${skipped}${remark}`);
  }
  if (failed === 0 && (code !== 0 || passed === 0)) {
    console.log("The run failed although no test did: see above.");
    failed = 1;
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function folders(root) {
  return [...packages(root).map(({ folder }) => folder), "."];
}
