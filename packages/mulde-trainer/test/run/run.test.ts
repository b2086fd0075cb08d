import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tripleList } from "@mulde/datasets";
import { createModel, modelTeacher } from "@mulde/kge-models";
import type { Teacher } from "@mulde/senior";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  distil,
  parseExperiment,
  type Run,
  runExperiment,
  startRun,
  train,
  type TrainEvent,
  type TrainingRun,
} from "../../src/index.js";
import { brief, changed, ring } from "../_planted.js";
import { eventsOf, failure, finish, told } from "../_runs.js";

const data = ring();
const nothing = tripleList(new Int32Array(), new Int32Array(), new Int32Array());
const flat: Teacher = { name: "flat", score: (_, __, ___, out) => void out.fill(1) };

/** A run that counts to `last`, and what happened to it. */
function counting(last: number, failing = Infinity): { run: Run<number, string>; log: string[] } {
  const log: string[] = [];
  const run = startRun(async function* (signal) {
    try {
      log.push("started");
      for (let i = 1; i <= last; i++) {
        signal.throwIfAborted();
        if (i === failing) throw new Error("broken");
        yield i;
        await Promise.resolve();
      }
      return "counted";
    } finally {
      log.push("ended");
    }
  });
  return { run, log };
}

/** Listens to the first event alone. */
async function leave(run: Run<unknown, unknown>): Promise<void> {
  const seen: unknown[] = [];
  for await (const event of run) {
    seen.push(event);
    break;
  }
  expect(seen).toHaveLength(1);
}

/** The promises that are rejected in vain while something happens. */
async function unhandled(happening: () => Promise<unknown>): Promise<unknown[]> {
  const seen: unknown[] = [];
  const note = (reason: unknown): void => void seen.push(reason);
  process.on("unhandledRejection", note);
  try {
    await happening();
    // They are told after the microtasks.
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
    return seen;
  } finally {
    process.off("unhandledRejection", note);
  }
}

describe("a run", () => {
  it("starts when somebody iterates over it or reads its result, not before", async () => {
    const { run, log } = counting(3);
    await new Promise(setImmediate);
    expect(log).toEqual([]);
    expect(await run.result).toBe("counted");
    expect(log).toEqual(["started", "ended"]);
    // A second reader gets the same.
    expect(await run.result).toBe("counted");
  });

  it("gives its events to whoever iterates, and then its result", async () => {
    const { run } = counting(3);
    const seen: number[] = [];
    for await (const i of run) seen.push(i);
    expect(seen).toEqual([1, 2, 3]);
    expect(await run.result).toBe("counted");
  });

  it("takes no step before its listener asks for the next event", async () => {
    const { run, log } = counting(3);
    const events = run[Symbol.asyncIterator]();
    expect(await events.next()).toEqual({ done: false, value: 1 });
    await new Promise(setImmediate);
    expect(log).toEqual(["started"]);
    expect([await events.next(), await events.next(), await events.next()].map(({ done }) => done)).toEqual([
      false,
      false,
      true,
    ]);
    expect(log).toEqual(["started", "ended"]);
  });

  it("has one listener: a second one is refused, and so is one beside a reader of the result", async () => {
    const { run } = counting(3);
    await leave(run);
    const read = counting(3).run;
    void read.result;
    for (const taken of [run, read]) {
      expect(failure(() => taken[Symbol.asyncIterator]())).toMatchObject({ code: "TRAINER_RUN" });
    }
    await read.result;
  });

  it("ends when its listener leaves, and says so in its result", async () => {
    const { run, log } = counting(3);
    for await (const i of run) if (i === 2) break;
    expect(log).toEqual(["started", "ended"]);
    await expect(run.result).rejects.toMatchObject({ name: "MuldeError", code: "TRAINER_STOPPED" });
  });

  it("rejects with what it failed of, in the iteration and in its result", async () => {
    const { run, log } = counting(3, 2);
    await expect(eventsOf(run)).rejects.toThrow("broken");
    await expect(run.result).rejects.toThrow("broken");
    await expect(counting(3, 1).run.result).rejects.toThrow("broken");
    expect(log).toEqual(["started", "ended"]);
  });

  it("stops by its signal or by stop(), with the reason", async () => {
    const stopped = counting(9).run;
    await expect(finish(stopped, (i) => i === 2 && stopped.stop())).rejects.toMatchObject({ code: "TRAINER_STOPPED" });
    const reasoned = counting(9).run;
    reasoned.stop(new Error("enough"));
    await expect(reasoned.result).rejects.toThrow("enough");
    const controller = new AbortController();
    const signalled = startRun<number, undefined>(async function* (signal) {
      for (let i = 0; ; i++) {
        signal.throwIfAborted();
        yield i;
        await Promise.resolve();
      }
    }, controller.signal);
    const abort = (i: number): void => {
      if (i === 3) controller.abort(new Error("no more"));
    };
    await expect(finish(signalled, abort)).rejects.toThrow("no more");
  });

  it("raises no unhandled rejection, whether its result is read or not", async () => {
    const failing = async (): Promise<void> => {
      await eventsOf(counting(3, 2).run).catch(() => undefined);
      await leave(counting(3).run);
      // Started by reading the result, which nobody waits for.
      void counting(3, 2).run.result;
      counting(3).run.stop();
    };
    expect(await unhandled(failing)).toEqual([]);
    // What would be seen.
    const reason = new Error("seen");
    expect(await unhandled(() => Promise.resolve(void Promise.reject(reason)))).toEqual([reason]);
  });
});

describe("train and distil", () => {
  it("refuse options, data, teachers and parts when they are called", async () => {
    const model = await createModel({ model: "RotE", dim: 4, entities: 24, relations: 4 });
    const teachers = [flat];
    const refused: [string, () => unknown][] = [
      ["TRAINER_OPTION", () => train({ model: { dim: 0 } }, { data })],
      ["TRAINER_OPTION", () => train({ model: "RotX" }, { data })],
      ["TRAINER_OPTION", () => train({ model: { name: "RotH", dim: 7 } }, { data })],
      ["TRAINER_OPTION", () => distil({ soft: { weight: -1 } }, { data, teachers })],
      ["TRAINER_DATA", () => train({}, { data: { ...data, train: nothing } })],
      ["TRAINER_DATA", () => train({}, { data: { ...data, valid: nothing } })],
      ["TRAINER_DATA", () => distil({}, { data: { ...data, valid: nothing }, teachers })],
      ["TRAINER_TEACHERS", () => distil({}, { data, teachers: [] })],
      ["SENIOR_TEACHER", () => distil({}, { data, teachers: [flat, flat] })],
      ["TRAINER_INITIAL", () => distil({}, { data, teachers, initial: model })],
      ["TRAINER_OPTION", () => distil({ soft: { adaptFrom: 1 } }, { data, teachers })],
    ];
    for (const [code, call] of refused) expect(failure(call), String(call)).toMatchObject({ code });
  });

  it("give the same result whether their events are heard or not", async () => {
    const heard = await eventsOf(train(brief, { data }));
    const { model, ...unheard } = await train(brief, { data }).result;
    expect(told(heard).slice(-1)).toEqual(told([{ type: "done", name: "RotH", result: { model, ...unheard } }]));
    const teachers = [modelTeacher(model, "teacher")];
    const few = changed({ soft: { candidates: 5 } });
    const run = distil(few, { data, teachers });
    expect(told(await eventsOf(run)).slice(-1)).toEqual(
      told([{ type: "done", name: "RotH", result: await distil(few, { data, teachers }).result }]),
    );
    // The event and the result are one.
    const last: TrainEvent[] = [];
    const again = train(brief, { data });
    await finish(again, (event) => last.push(event));
    expect(last.at(-1)).toEqual({ type: "done", name: "RotH", result: await again.result });
  });

  it("reject with the signal's reason at the start if it is aborted already", async () => {
    const events: TrainEvent[] = [];
    const run = train(brief, { data, signal: AbortSignal.abort(new Error("no more")) });
    await expect(finish(run, (event) => events.push(event))).rejects.toThrow("no more");
    await expect(run.result).rejects.toThrow("no more");
    expect(events.map(({ type }) => type)).toEqual(["start"]);
  });

  describe("with a checkpoint", () => {
    let directory: string;
    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), "mulde-run-"));
    });
    afterEach(() => rm(directory, { recursive: true }));

    it.each<[string, (checkpoint: string) => TrainingRun]>([
      ["train", (checkpoint) => train(brief, { data, checkpoint })],
      ["distil", (checkpoint) => distil(changed({ soft: { candidates: 5 } }), { data, teachers: [flat], checkpoint })],
    ])("write one when they are stopped, and go on from there: %s", async (_, make) => {
      const whole = told(await eventsOf(make(join(directory, "whole"))));
      const checkpoint = join(directory, "stopped");
      const run = make(checkpoint);
      const first: TrainEvent[] = [];
      const stopped = finish(run, (event) => {
        first.push(event);
        if (event.type === "validation") run.stop();
      });
      await expect(stopped).rejects.toMatchObject({ code: "TRAINER_STOPPED" });
      await expect(run.result).rejects.toMatchObject({ code: "TRAINER_STOPPED" });
      expect(first.at(-1)).toMatchObject({ type: "checkpoint", step: 10, path: checkpoint });
      expect((await readdir(directory)).sort()).toEqual(["stopped", "whole"]);
      const rest = await eventsOf(make(checkpoint));
      expect(rest[0]).toMatchObject({ type: "start", resumedAt: 10 });
      expect([...told(first), ...told(rest)]).toEqual(whole);
    });
  });
});

describe("runExperiment", () => {
  const plan = { data: "ring", defaults: brief, teachers: [{ model: "RotE" }], junior: { model: { dim: 4 } } };

  it.each(["train", "valid", "test"] as const)("refuses an empty %s split when it is called", async (split) => {
    const out = await mkdtemp(join(tmpdir(), "mulde-empty-"));
    const call = (): unknown => runExperiment(parseExperiment(plan), { data: { ...data, [split]: nothing }, out });
    expect(failure(call)).toMatchObject({ code: "TRAINER_DATA", path: [split] });
    // Nothing was trained for nothing.
    expect(await readdir(out)).toEqual([]);
    await rm(out, { recursive: true });
  });
});
