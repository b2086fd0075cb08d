import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { judged } from "../research/reliability/_growth.js";
import { root } from "./_workspace.js";

interface Sample {
  readonly step: number;
  readonly kernels: number;
  readonly tensors: number;
  readonly tensorBytes: number;
  readonly heap: number;
  readonly rss: number;
}

/** What does not hold of a run with fifty samples, one every hundred steps. */
function failing(change: (sample: Sample, i: number) => Partial<Sample>, left = { kernels: 0, tensors: 0 }): string[] {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const samples = Array.from({ length: 50 }, (_, i): Sample => {
    // Noise of a megabyte either way.
    const noise = 1e6 * Math.sin(7 * i);
    const sample = {
      step: 100 * (i + 1),
      kernels: 5000,
      tensors: 9,
      tensorBytes: 36,
      heap: 3e7 + noise,
      rss: 2e8 + 3 * noise,
    };
    return { ...sample, ...change(sample, i) };
  });
  return judged("wasm", { name: "run", samples, left })
    .filter(({ held }) => !held)
    .map(({ what }) => what);
}

it("finds memory that grows, and takes noise and a warm-up for what they are", () => {
  expect(failing(() => ({}))).toEqual([]);
  expect(failing((sample, i) => ({ heap: sample.heap + (i < 20 ? 1e6 * i : 2e7), kernels: i < 20 ? 1 : 2 }))).toEqual(
    [],
  );
  // 4 kB a step.
  expect(failing((sample, i) => ({ heap: sample.heap + 4e5 * i }))).toEqual(["heap"]);
  expect(failing((sample, i) => ({ rss: sample.rss + 1.5e6 * i }))).toEqual(["rss"]);
  expect(failing((sample, i) => ({ kernels: sample.kernels + (i === 49 ? 4 : 0) }))).toEqual(["kernels"]);
  expect(failing((_, i) => ({ tensors: i, tensorBytes: 4 * i }))).toEqual(["tensors", "tensorBytes"]);
  expect(failing(() => ({}), { kernels: 4, tensors: 0 })).toEqual(["left after the run"]);
  expect(failing(() => ({}), { kernels: 0, tensors: 1 })).toEqual(["left after the run"]);
});

it("soaks both kinds of training in miniature", () => {
  const script = join(root, "research/reliability/soak.js");
  const args = [script, "--steps", "100", "--engine", "wasm"];
  const { stdout } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  // Five runs with six measures each. What grows in so few steps means nothing but for what is counted exactly.
  const outcome = JSON.parse(stdout) as { trial: string; cases: number; failed: string[] };
  expect(outcome).toMatchObject({ trial: "soak", cases: 30 });
  expect(outcome.failed.filter((name) => !/heap|rss/.test(name))).toEqual([]);
}, 120_000);
