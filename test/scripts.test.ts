import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { supports } from "../scripts/_node.js";
import { quoted } from "../scripts/_pnpm.js";
import { clearReports, countTests, printReport } from "../scripts/_report.js";
import { rootManifest } from "./_workspace.js";
import { typescriptBlocks } from "./_blocks.js";

it("the check of Node's version reads the ranges of package.json", () => {
  const range = rootManifest.engines?.node ?? "";
  for (const version of ["20.19.0", "20.20.2", "22.12.0", "22.20.1", "24.0.0", "25.1.0"])
    expect(supports(range, version), version).toBe(true);
  for (const version of ["14.21.3", "18.20.8", "20.18.3", "21.7.3", "22.11.0", "23.11.1"])
    expect(supports(range, version), version).toBe(false);
  expect(() => supports("20.x", "20.19.0")).toThrow("neither ^a.b.c nor >=a.b.c");
});

it("arguments for Windows' shell are quoted where it would split or read them", () => {
  const plain = ["--filter=@mulde/eval", "pnpm@10.34.9", "C:\\x\\y.js", "a,b", "-F"];
  expect(plain.map(quoted)).toEqual(plain);
  expect(["a b", "./packages/*", "a&b", 'say "no"', ""].map(quoted)).toEqual([
    '"a b"',
    '"./packages/*"',
    '"a&b"',
    '"say ""no"""',
    '""',
  ]);
});

const file = (status: string, ...statuses: string[]) => ({
  status,
  assertionResults: statuses.map((one) => ({ status: one })),
});

describe("counting a report", () => {
  it("counts tests by their status", () => {
    const testResults = [file("passed", "passed", "passed"), file("failed", "passed", "failed", "pending")];
    expect(countTests({ testResults, success: false })).toEqual({ passed: 3, failed: 1, skipped: 1 });
  });

  it("counts a file that could not be loaded as a failed test", () => {
    expect(countTests({ testResults: [file("passed", "passed"), file("failed")], success: false }).failed).toBe(1);
  });

  it("counts a run without tests, or with an error outside of tests, as failed", () => {
    expect(countTests({ testResults: [], success: true })).toEqual({ passed: 0, failed: 1, skipped: 0 });
    expect(countTests({ testResults: [file("passed", "passed")], success: false })).toEqual({
      passed: 1,
      failed: 1,
      skipped: 0,
    });
  });
});

describe("the sums at the end of npm test", () => {
  let root: string;
  let lines: string[];
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "mulde-report-"));
    for (const folder of ["packages/a", "apps/b"]) {
      mkdirSync(join(root, folder), { recursive: true });
      writeFileSync(join(root, folder, "package.json"), "{}");
    }
    lines = [];
    vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
  });
  afterEach(() => {
    vi.restoreAllMocks();
    rmSync(root, { recursive: true });
  });
  const report = (folder: string, ...statuses: string[]) => {
    const success = !statuses.includes("failed");
    const content = { success, testResults: [file(success ? "passed" : "failed", ...statuses)] };
    writeFileSync(join(root, folder, "test-results.json"), JSON.stringify(content));
  };

  it("are the last line, over all packages and the repository", () => {
    report("packages/a", "passed", "passed");
    report("apps/b", "passed");
    report(".", "passed");
    expect(printReport(root, { whole: true, code: 0 })).toBe(0);
    expect(lines.at(-1)).toBe("4 passed, 0 failed");
  });

  it("fail for a failed test", () => {
    report("packages/a", "passed", "failed");
    report("apps/b", "passed");
    report(".", "passed");
    expect(printReport(root, { whole: true, code: 1 })).toBe(1);
    expect(lines.at(-1)).toBe("3 passed, 1 failed");
  });

  it("fail for a package without a report, unless only some were asked for", () => {
    report("packages/a", "passed");
    report(".", "passed");
    expect(printReport(root, { whole: true, code: 0 })).toBe(1);
    expect(lines.at(-1)).toBe("2 passed, 1 failed");
    expect(printReport(root, { whole: false, code: 0 })).toBe(0);
  });

  it("fail when a run failed although its tests passed, and when nothing ran", () => {
    report("packages/a", "passed");
    expect(printReport(root, { whole: false, code: 1 })).toBe(1);
    expect(lines.at(-1)).toBe("1 passed, 1 failed");
    clearReports(root);
    expect(printReport(root, { whole: false, code: 0 })).toBe(1);
    expect(lines.at(-1)).toBe("0 passed, 1 failed");
  });
});

it("README blocks are found with their lines, and those not to be run are told apart", () => {
  const blocks = typescriptBlocks("# A\n\n```ts\none();\n```\n\n```sh\nnpm\n```\n\n```ts no-run\ntwo();\n```\n");
  expect(blocks).toEqual([
    { code: "one();\n", line: 4, runs: true },
    { code: "two();\n", line: 12, runs: false },
  ]);
});
