import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createModel, decodeSafetensors, encodeSafetensors, modelTeacher } from "@mulde/kge-models";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  distil,
  type DistilInput,
  finish,
  pretrainTeacher,
  type RunControl,
  type TrainEvent,
  type TrainResult,
} from "../src/index.js";
import { brief, ring, told, without } from "./_planted.js";

const data = ring();
// Six epochs of five steps; validations after epochs 2, 4 and 6.
const stepsPerEpoch = 5;
let directory: string;
let path: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "mulde-checkpoint-"));
  path = join(directory, "run", "checkpoint.safetensors");
});
afterAll(() => rm(directory, { recursive: true }));

type Start = (control: RunControl) => AsyncGenerator<TrainEvent, TrainResult>;

const options = { ...brief, schedule: "cosine" as const, warmup: 0.2 };
async function* distilled(over: DistilInput, control: RunControl): AsyncGenerator<TrainEvent, TrainResult> {
  const models = await Promise.all(
    ["TransE", "RotE"].map((model) => createModel({ model, dim: 4, entities: 24, relations: 4, seed: 9 })),
  );
  const teachers = models.map((model) => modelTeacher(model, model.config.model));
  return yield* distil({ ...options, topK: 6, ...over }, { data, teachers, adapting: models, ...control });
}

const kinds: [string, Start][] = [
  ["pre-training", (control) => pretrainTeacher({ ...options, adversarial: 0.5 }, { data, ...control })],
  [
    "pre-training with Adagrad",
    (control) => pretrainTeacher({ ...options, optimizer: "adagrad" }, { data, ...control }),
  ],
  ["pre-training with averages", (control) => pretrainTeacher({ ...options, averaging: 0.9 }, { data, ...control })],
  ["distillation", (control) => distilled({}, control)],
  ["distillation with averages", (control) => distilled({ averaging: 0.8 }, control)],
  ["distillation that keeps the top K", (control) => distilled({ refreshTopK: 2 }, control)],
  ["distillation in two stages", (control) => distilled({ adaptFrom: 2 }, control)],
];

async function all(stream: AsyncGenerator<TrainEvent, TrainResult>): Promise<TrainEvent[]> {
  const events: TrainEvent[] = [];
  await finish(stream, (event) => events.push(event));
  return events;
}

describe.each(kinds)("%s resumed from a checkpoint", (_, start) => {
  let whole: TrainEvent[];
  beforeAll(async () => {
    whole = await all(start({}));
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
    const first = finish(start({ checkpoint: path, checkpointMinutes: 0, signal: controller.signal }), (event) => {
      told1.push(event);
      if (event.type === "checkpoint" && event.step === at) controller.abort();
    });
    await expect(first).rejects.toMatchObject({ name: "AbortError" });
    // Nothing but the checkpoint, whole.
    expect(await readdir(join(directory, "run"))).toEqual(["checkpoint.safetensors"]);

    const rest = await all(start({ checkpoint: path }));
    expect(rest[0]).toMatchObject({ type: "start", resumedAt: at });
    expect([...told(told1), ...told(rest)]).toEqual(told(whole));
    await rm(path);
  });

  it("goes on likewise after a kill, from the last checkpoint that was written", async () => {
    let last = 0;
    for await (const event of start({ checkpoint: path, checkpointMinutes: 0 })) {
      if (event.type === "checkpoint") last = event.step;
      // Steps after the checkpoint are lost, and made again.
      if (event.type === "validation" && event.epoch === 3) break;
    }
    expect(last).toBe(19);
    const rest = await all(start({ checkpoint: path }));
    expect(rest[0]).toMatchObject({ resumedAt: 19 });
    expect(told(whole).slice(-told(rest).length)).toEqual(told(rest));
    expect(told(rest)).toHaveLength(6);
    await rm(path);
  });

  it("writes one when it is aborted, without waiting for the minutes to pass", async () => {
    const controller = new AbortController();
    const events: TrainEvent[] = [];
    const run = finish(start({ checkpoint: path, signal: controller.signal }), (event) => {
      events.push(event);
      if (event.type === "epoch") controller.abort(new Error("enough"));
    });
    await expect(run).rejects.toThrow("enough");
    expect(events.at(-1)).toEqual({ type: "checkpoint", name: "RotH", epoch: 1, step: stepsPerEpoch, path });
    await rm(path);
  });

  it("keeps the finished run's until the caller deletes it, so that its result is not lost", async () => {
    const events = await all(start({ checkpoint: path }));
    expect(events.map(({ type }) => type).slice(-2)).toEqual(["checkpoint", "done"]);
    const again = await all(start({ checkpoint: path }));
    expect(again.map(({ type }) => type)).toEqual(["start", "done"]);
    expect(told(again)).toEqual(told(whole).slice(-1));
    await rm(path);
  });

  it("leaves the disk alone without a path", async () => {
    await all(start({ checkpointMinutes: 0 }));
    expect(await readdir(join(directory, "run"))).toEqual([]);
  });
});

describe("a checkpoint", () => {
  const make = async (): Promise<Uint8Array> => {
    await all(pretrainTeacher({ ...brief, epochs: 1 }, { data, checkpoint: path }));
    return readFile(path);
  };
  const resume = (): Promise<TrainEvent[]> => all(pretrainTeacher({ ...brief, epochs: 1 }, { data, checkpoint: path }));

  it("of other options, other data or another identity is refused, and stays", async () => {
    const bytes = await make();
    const other = [
      pretrainTeacher({ ...brief, epochs: 1, learningRate: 0.1 }, { data, checkpoint: path }),
      pretrainTeacher({ ...brief, epochs: 1 }, { data: ring(24, 4, "another"), checkpoint: path, identity: "x" }),
      pretrainTeacher({ ...brief, epochs: 1 }, { data: ring(23), checkpoint: path }),
    ];
    for (const stream of other) {
      await expect(finish(stream)).rejects.toMatchObject({
        name: "MuldeError",
        code: "TRAINER_CHECKPOINT",
        message: `${path} belongs to a run with other options, data or teachers: delete it to start anew, or choose another directory.`,
      });
    }
    expect(await readFile(path)).toEqual(bytes);
  });

  it("of other teachers is refused", async () => {
    const model = await createModel({ model: "TransE", dim: 4, entities: 24, relations: 4 });
    const run = (name: string) =>
      finish(
        distil(
          { ...brief, epochs: 1, topK: 4 },
          { data, teachers: [modelTeacher(model, name)], checkpoint: join(directory, "distil") },
        ),
      );
    await run("one");
    await expect(run("two")).rejects.toMatchObject({ code: "TRAINER_CHECKPOINT" });
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
      message: expect.stringMatching(new RegExp(`^${path} .+delete it`)),
    });
    await rm(path);
  });

  it("that cannot be read is an error, not a fresh start", async () => {
    await mkdir(path);
    await expect(resume()).rejects.toMatchObject({ code: "TRAINER_CHECKPOINT" });
    await rm(path, { recursive: true });
  });
});
