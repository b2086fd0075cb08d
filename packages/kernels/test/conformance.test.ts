// The bundle of these tests for hosts on which vitest does not start, run here in Node, in a sample.
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildConformance, excluded, included } from "../conformance/build.js";
import type { Report } from "../conformance/run.js";
import { engines } from "./_engines.js";

const folder = mkdtempSync(join(tmpdir(), "mulde-conformance-"));
beforeAll(() => buildConformance(folder));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Run {
  readonly status: number | null;
  readonly stderr: string;
  /** The last line of the output. */
  readonly report: string;
}

function run(cwd: string, ...args: string[]): Run {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["main.js", ...args], { cwd, encoding: "utf8" });
  return { status, stderr, report: stdout.trim().split("\n").at(-1)! };
}

it("leaves out the test files that need Node, and no other", () => {
  const needsNode = (name: string) =>
    /from "(node:|\.\.\/conformance)/.test(readFileSync(new URL(name, import.meta.url), "utf8"));
  expect(included.filter(needsNode)).toEqual([]);
  expect(Object.keys(excluded).filter((name) => !needsNode(name))).toEqual([]);
});

it("runs on every engine of this machine", () => {
  const { status, stderr, report } = run(folder, "--every", "61");
  expect(stderr).toBe("");
  expect(status).toBe(0);
  const { passed, failed, skipped, ...rest } = JSON.parse(report) as Report;
  expect(rest.engines.map(({ name }) => name)).toEqual(engines.map(({ name }) => name));
  expect(failed).toBe(0);
  expect(passed).toBeGreaterThan(10 * engines.length);
  expect(passed + skipped).toBeGreaterThan(600 * engines.length);
}, 300_000);

it("fails if a kernel computes something else, and says which tests do", () => {
  const broken = mkdtempSync(join(tmpdir(), "mulde-conformance-"));
  cpSync(folder, broken, { recursive: true });
  const dist = join(broken, "node_modules/@mulde/kernels/dist");
  cpSync(join(dist, "index.js"), join(dist, "whole.js"));
  writeFileSync(
    join(dist, "index.js"),
    'export * from "./whole.js";\nimport { Kernels } from "./whole.js";\nKernels.prototype.encode = () => undefined;\n',
  );
  const { status, stderr, report } = run(broken, "--engines", "wasm", "--threads", "1", "--every", "61");
  rmSync(broken, { recursive: true });
  const { failed, failures } = JSON.parse(report) as Report;
  expect(status).toBe(1);
  expect(failed).toBe(failures.length);
  expect(failures.length).toBeGreaterThan(0);
  expect(failures.every(({ message }) => message.length > 0)).toBe(true);
  expect(stderr).toMatch(/^FAILED candidates\.test\.ts > on wasm with 1 thread > /m);
}, 300_000);

it("fails if an engine that was asked for is not there", () => {
  const { status, stderr } = run(folder, "--engines", "quantum");
  expect(status).toBe(1);
  expect(stderr).toContain("This host has no quantum engine.");
});
