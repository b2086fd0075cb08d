import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type RunControl, train, type TrainEvent, type TrainingRun } from "../../src/index.js";
import { changed, ring } from "../_planted.js";
import { eventsOf, finish, told } from "../_runs.js";

// Lets a test act in the middle of a validation.
const validating = vi.hoisted(() => ({ begins: (): void => undefined }));
vi.mock(import("@mulde/eval"), async (load) => {
  const actual = await load();
  return {
    ...actual,
    evaluate: (...given: Parameters<typeof actual.evaluate>) => {
      validating.begins();
      return actual.evaluate(...given);
    },
  };
});

// What happens to a run that is stopped while it validates, whose checkpoint is another run's, or whose disk fails.
const data = ring();
const options = changed({ optimizer: { averaging: 0.9 } });
const start = (control: RunControl = {}): TrainingRun => train(options, { data, ...control });
let directory: string;
let checkpoint: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "mulde-failures-"));
  checkpoint = join(directory, "run", "checkpoint.safetensors");
});
afterEach(() => rmSync(directory, { recursive: true }));

describe("a run that is stopped when a validation is due", () => {
  it.each([
    ["the first", 1],
    ["a later", 3],
    ["the last", 5],
  ])("validates after it resumes, as if nothing had been: %s one", async (_, at) => {
    const whole = await eventsOf(start());
    const before: TrainEvent[] = [];
    const run = start({ checkpoint });
    const stopped = finish(run, (event) => {
      before.push(event);
      if (event.type === "epoch" && event.epoch === at) run.stop();
    });
    await expect(stopped).rejects.toMatchObject({ code: "TRAINER_STOPPED" });
    expect(before.at(-1)).toMatchObject({ type: "checkpoint", step: 5 * (at + 1) });
    const after = await eventsOf(start({ checkpoint }));
    expect(after[0]).toMatchObject({ type: "start", resumedAt: 5 * (at + 1) });
    expect(after[1]).toMatchObject({ type: "validation", epoch: at });
    expect([...told(before), ...told(after)]).toEqual(told(whole));
  });

  it("does not end a validation under way first", async () => {
    const events: TrainEvent[] = [];
    const run = start({ checkpoint });
    validating.begins = () => run.stop();
    const stopped = finish(run, (event) => events.push(event));
    await expect(stopped).rejects.toMatchObject({ code: "TRAINER_STOPPED" });
    validating.begins = () => undefined;
    expect(events.slice(-2)).toMatchObject([{ type: "epoch", epoch: 1 }, { type: "checkpoint" }]);
    const after = await eventsOf(start({ checkpoint }));
    expect([...told(events), ...told(after)]).toEqual(told(await eventsOf(start())));
  });
});

describe("a run's checkpoint", () => {
  it("is locked from the start to the end, whatever the end", async () => {
    const lock = `${checkpoint}.lock`;
    const first = start({ checkpoint });
    const seen = new Set<boolean>();
    await finish(first, () => seen.add(existsSync(lock)));
    expect([...seen]).toEqual([true]);
    expect(readdirSync(join(directory, "run"))).toEqual(["checkpoint.safetensors"]);

    for await (const event of start({ checkpoint: `${checkpoint}.2`, checkpointMinutes: 0 })) {
      if (event.type !== "checkpoint") continue;
      await expect(start({ checkpoint: `${checkpoint}.2` }).result).rejects.toMatchObject({
        code: "TRAINER_LOCKED",
        file: `${checkpoint}.2.lock`,
      });
      break;
    }
    expect(existsSync(`${checkpoint}.2.lock`)).toBe(false);
  });

  it("that cannot be written in the middle ends the run with its file and what to do", async () => {
    const run = finish(start({ checkpoint, checkpointMinutes: 0 }), ({ type }) => {
      if (type === "start") mkdirSync(checkpoint);
    });
    await expect(run).rejects.toMatchObject({
      code: "TRAINER_CHECKPOINT_WRITE",
      file: checkpoint,
      message: expect.stringMatching(/a directory is in the place.*run again to go on\.$/) as string,
    });
    expect(readdirSync(join(directory, "run"))).toEqual(["checkpoint.safetensors"]);
  });

  it("that cannot be written after the last step costs a warning, not the result", async () => {
    const run = start({ checkpoint });
    const events: TrainEvent[] = [];
    await finish(run, (event) => {
      events.push(event);
      if (event.type === "start") mkdirSync(checkpoint);
    });
    expect(events.slice(-2)).toMatchObject([
      { type: "warning", name: "RotH", message: expect.stringContaining(checkpoint) as string },
      { type: "done" },
    ]);
    expect(told(events)).toEqual(told(await eventsOf(start())));
  });
});
