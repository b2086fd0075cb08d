import type { ExperimentEvent, Row, TrainResult } from "@mulde/mulde-trainer";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Bars, DownloadBar } from "../src/_bars.js";
import { Output } from "../src/_output.js";
import { createProgress } from "../src/_progress.js";

// Stands in for a terminal of 80 columns.
const { isTTY, columns } = process.stderr;
const write = process.stderr.write.bind(process.stderr);
let written: string;

beforeEach(() => {
  written = "";
  Object.assign(process.stderr, { isTTY: true, columns: 80 });
  process.stderr.write = (text: string | Uint8Array) => {
    written += text.toString();
    return true;
  };
});

afterEach(() => {
  process.stderr.write = write;
  Object.assign(process.stderr, { isTTY, columns });
});

const name = "a-model-with-a-long-name";
const metrics = { mrr: 0.4567, mr: 12, hits: { 1: 0.3, 3: 0.5, 10: 0.7 } };
const result = { best: { epoch: 1, metrics }, epochs: 2, steps: 20, seconds: 65 } as unknown as TrainResult;
const row = { mrr: 0.4444, seconds: 65 } as Row;
const events: readonly ExperimentEvent[] = [
  { type: "pipeline", name: "experiment", stages: [name, "other"] },
  { type: "skipped", name: "other", row },
  { type: "start", name, model: "RotH", dim: 32, epochs: 2, steps: 20, resumedAt: 0 },
  { type: "progress", name, epoch: 0, step: 5, steps: 20, loss: 0.125 },
  { type: "epoch", name, epoch: 0, loss: { total: 0.0625, hard: 0.0625 }, seconds: 1 },
  { type: "progress", name, epoch: 1, step: 15, steps: 20, loss: 0.03 },
  { type: "validation", name, epoch: 1, metrics, best: true, loss: 0.5, seconds: 1 },
  { type: "checkpoint", name, epoch: 1, step: 20, path: "x" },
  { type: "done", name, result },
  { type: "row", name, row },
];

/** What was drawn, line by line. */
function drawn(): string[] {
  const [first, ...sequences] = written.split("\u001b[");
  // Colours stay in their line; what moves the cursor starts another one.
  const texts = sequences.map((text) => text.replace(/^[?\d;]*[a-zA-Z]/, (code) => (code.endsWith("m") ? "" : "\n")));
  return [first, ...texts].join("").split(/[\r\n]+/);
}

test("bars show what training reports, in 80 columns", async () => {
  const bars = createProgress(new Output(false), [name, "other"]);
  expect(bars).toBeInstanceOf(Bars);
  for (const event of events) {
    bars.show(event);
    // Bars are drawn ten times a second.
    await new Promise((resolve) => setTimeout(resolve, 120));
  }
  bars.stop();
  const text = drawn().join("\n");
  expect(text).toMatch(/a-model-w….*epoch 1\/2 .*loss 0\.125/);
  expect(text).toMatch(/epoch 2\/2 +MRR 0\.457 .* left/);
  expect(text).toMatch(/valid MRR 0\.457 +1 min 05 s/);
  expect(text).toMatch(/test MRR 0\.444 +1 min 05 s/);
  expect(text).toMatch(/other .*test MRR 0\.444 +there already/);
  for (const line of drawn()) expect(line.length, line).toBeLessThanOrEqual(80);
});

test("a download has a bar if its size is known", () => {
  const bar = new DownloadBar(new Output(false));
  bar.show(1e6, undefined);
  expect(written).toBe("");
  bar.show(1e6, 4e6);
  bar.show(4e6, 4e6);
  bar.stop();
  expect(drawn().join("\n")).toMatch(/downloading .* 4\/4 MB/);
  for (const line of drawn()) expect(line.length, line).toBeLessThanOrEqual(80);
});

test("with --json there are no bars", () => {
  expect(createProgress(new Output(true), [name])).not.toBeInstanceOf(Bars);
  new DownloadBar(new Output(true)).show(1, 2);
  expect(written).toBe("");
});
