import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createModel, decodeSafetensors, encodeSafetensors, modelTeacher } from "@mulde/kge-models";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  distil,
  type DistilInput,
  type RunControl,
  train,
  type TrainEvent,
  type TrainingRun,
} from "../../src/index.js";
import { brief, changed, ring, without } from "../_planted.js";
import { eventsOf, finish, told } from "../_runs.js";

const data = ring();
// Six epochs of five steps; validations after epochs 2, 4 and 6.
const stepsPerEpoch = 5;
let directory: string;
let path: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "mulde-checkpoint-"));
  path = join(directory, "run", "checkpoint.safetensors");
});
afterEach(() => rm(path, { force: true, recursive: true }));
afterAll(() => rm(directory, { recursive: true }));

type Start = (control: RunControl) => Promise<TrainingRun>;

const options = changed({ schedule: { name: "cosine", warmup: 0.2 } });
function trained(over: DistilInput): Start {
  return (control) => Promise.resolve(train(changed(over, options), { data, ...control }));
}
function distilled(over: DistilInput): Start {
  const own = changed(over, changed({ soft: { candidates: 6 } }, options));
  return async (control) => {
    // As a new process loads them: those of a run before may have learned.
    const models = await Promise.all(
      ["TransE", "RotE"].map((model) => createModel({ model, dim: 4, entities: 24, relations: 4, seed: 9 })),
    );
    const teachers = models.map((model) => modelTeacher(model, model.config.model));
    return distil(own, { data, teachers, adapting: models, ...control });
  };
}

// What draws in a step, each from its own stream.
const drawing: DistilInput = {
  negatives: { filter: true, bothEnds: 0.5 },
  rules: ["ownHead", "neighbours", { functional: 1.05 }],
  regularizer: { dropout: 0.1 },
  soft: { queries: 0.5, candidates: 6 },
};
const kinds: [string, Start][] = [
  ["training", trained({ loss: { adversarial: 0.5 } })],
  ["training with Adagrad", trained({ optimizer: "adagrad" })],
  ["training with averages", trained({ optimizer: { averaging: 0.9 } })],
  ["training with a plateau schedule", trained({ schedule: "plateau", optimizer: { learningRate: 0.3 } })],
  ["distillation", distilled({})],
  ["distillation with averages", distilled({ optimizer: { averaging: 0.8 } })],
  ["distillation that keeps the top K", distilled({ soft: { candidates: { refresh: 2 } } })],
  ["distillation in two stages", distilled({ soft: { adaptFrom: 2 } })],
  ["distillation with all its random streams", distilled(drawing)],
];

describe.each(kinds)("%s resumed from a checkpoint", (_, start) => {
  let whole: TrainEvent[];
  beforeAll(async () => {
    whole = await eventsOf(await start({}));
    expect(whole[0]).toMatchObject({ steps: 6 * stepsPerEpoch });
  });

  it.each([
    ["early in its first epoch", 2],
    ["in mid-epoch, before any validation", 8],
    ["in mid-epoch, after the first validation", 13],
    ["between two epochs", 20],
    ["just before its end", 29],
  ])("goes on to the same events and the same bits when aborted %s", async (__, at) => {
    const controller = new AbortController();
    const told1: TrainEvent[] = [];
    const run = await start({ checkpoint: path, checkpointMinutes: 0, signal: controller.signal });
    const first = finish(run, (event) => {
      told1.push(event);
      if (event.type === "checkpoint" && event.step === at) controller.abort();
    });
    await expect(first).rejects.toMatchObject({ name: "AbortError" });
    // Nothing but the checkpoint, whole.
    expect(await readdir(join(directory, "run"))).toEqual(["checkpoint.safetensors"]);

    const rest = await eventsOf(await start({ checkpoint: path }));
    expect(rest[0]).toMatchObject({ type: "start", resumedAt: at });
    expect([...told(told1), ...told(rest)]).toEqual(told(whole));
  });

  it("goes on likewise after a kill, from the last checkpoint that was written", async () => {
    let last = 0;
    for await (const event of await start({ checkpoint: path, checkpointMinutes: 0 })) {
      if (event.type === "checkpoint") last = event.step;
      // Steps after the checkpoint are lost, and made again.
      if (event.type === "validation" && event.epoch === 3) break;
    }
    expect(last).toBe(19);
    const rest = await eventsOf(await start({ checkpoint: path }));
    expect(rest[0]).toMatchObject({ resumedAt: 19 });
    expect(told(whole).slice(-told(rest).length)).toEqual(told(rest));
    expect(told(rest)).toHaveLength(6);
  });

  it("writes one when it is aborted, without waiting for the minutes to pass", async () => {
    const controller = new AbortController();
    const events: TrainEvent[] = [];
    const run = await start({ checkpoint: path, signal: controller.signal });
    const stopped = finish(run, (event) => {
      events.push(event);
      if (event.type === "epoch") controller.abort(new Error("enough"));
    });
    await expect(stopped).rejects.toThrow("enough");
    expect(events.at(-1)).toEqual({ type: "checkpoint", name: "RotH", epoch: 1, step: stepsPerEpoch, path });
  });

  it("keeps the finished run's until the caller deletes it, so that its result is not lost", async () => {
    const events = await eventsOf(await start({ checkpoint: path }));
    expect(events.map(({ type }) => type).slice(-2)).toEqual(["checkpoint", "done"]);
    const again = await eventsOf(await start({ checkpoint: path }));
    expect(again.map(({ type }) => type)).toEqual(["start", "done"]);
    expect(told(again)).toEqual(told(whole).slice(-1));
  });

  it("leaves the disk alone without a path", async () => {
    await eventsOf(await start({ checkpointMinutes: 0 }));
    expect(await readdir(join(directory, "run"))).toEqual([]);
  });
});

describe("a checkpoint", () => {
  const own = { ...brief, epochs: 1 };
  const make = async (): Promise<Uint8Array> => {
    await train(own, { data, checkpoint: path }).result;
    return readFile(path);
  };
  const resume = (): Promise<unknown> => train(own, { data, checkpoint: path }).result;

  it("of other options or other data is refused, and stays", async () => {
    const bytes = await make();
    const others = [
      train(changed({ optimizer: { learningRate: 0.1 } }, own), { data, checkpoint: path }),
      train(own, { data: ring(23), checkpoint: path }),
    ];
    for (const run of others) {
      await expect(run.result).rejects.toMatchObject({
        name: "MuldeError",
        code: "TRAINER_CHECKPOINT",
        file: path,
        reason:
          "the checkpoint belongs to a run with other options, data or teachers: delete it to start anew, or choose another directory.",
      });
    }
    expect(await readFile(path)).toEqual(bytes);
  });

  it.each(["train", "valid", "test"] as const)(
    "of data of the same sizes without a fingerprint, but with another %s split, is refused",
    async (split) => {
      const plain = without(data, "fingerprint");
      expect(plain).not.toHaveProperty("fingerprint");
      await train(own, { data: plain, checkpoint: path }).result;
      // Two tails changed places.
      const tails = data[split].tails.slice();
      [tails[0], tails[1]] = [tails[1]!, tails[0]!];
      const other = { ...plain, [split]: { ...data[split], tails } };
      await expect(train(own, { data: other, checkpoint: path }).result).rejects.toMatchObject({
        code: "TRAINER_CHECKPOINT",
      });
      // The same splits once more, in other objects, are the same data.
      const copied = { ...plain, train: { ...plain.train } };
      const [start] = await eventsOf(train(own, { data: copied, checkpoint: path }));
      expect(start).toMatchObject({ resumedAt: stepsPerEpoch });
    },
  );

  it("of other teachers is refused, by their names or by what tells them apart", async () => {
    const model = await createModel({ model: "TransE", dim: 4, entities: 24, relations: 4 });
    const checkpoint = join(directory, "distil");
    const run = (name: string, teachersIdentity?: string) => {
      const teachers = [modelTeacher(model, name)];
      const identity = teachersIdentity === undefined ? {} : { teachersIdentity };
      return distil(changed({ soft: { candidates: 4 } }, own), { data, teachers, checkpoint, ...identity }).result;
    };
    await run("one");
    await expect(run("two")).rejects.toMatchObject({ code: "TRAINER_CHECKPOINT" });
    await expect(run("one", "another file")).rejects.toMatchObject({ code: "TRAINER_CHECKPOINT" });
    await run("one");
  });

  it.each<[string, (bytes: Uint8Array) => Uint8Array]>([
    ["empty", () => new Uint8Array()],
    ["cut off", (bytes) => bytes.subarray(0, bytes.length - 3)],
    ["cut off in its header", (bytes) => bytes.subarray(0, 100)],
    ["no safetensors file", () => new TextEncoder().encode("not a checkpoint, whatever its name says")],
    ["a safetensors file without a state", () => encodeSafetensors({}, {})],
    ["one whose state is no JSON", () => encodeSafetensors({}, { state: "{" })],
    ["one whose state lacks a field", () => encodeSafetensors({}, { state: '{"run":"x","step":1}' })],
    [
      "one without an array",
      (bytes) => {
        const { tensors, metadata } = decodeSafetensors(bytes, "checkpoint");
        return encodeSafetensors(without(tensors, "now.entity"), metadata);
      },
    ],
  ])("that is %s is one clear error", async (_, damage) => {
    await writeFile(path, damage(await make()));
    await expect(resume()).rejects.toMatchObject({
      name: "MuldeError",
      code: "TRAINER_CHECKPOINT",
      file: path,
      reason: expect.stringMatching(/delete it/) as string,
    });
  });

  it("that cannot be read is an error, not a fresh start", async () => {
    await mkdir(path);
    await expect(resume()).rejects.toMatchObject({ code: "TRAINER_CHECKPOINT", file: path });
  });
});
