import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createModel, type KgeModel, modelTeacher, sharedKernels } from "@mulde/kge-models";
import { describe, expect, it } from "vitest";
import { adaptingObjective } from "../../src/distillation/adapting.js";
import { distillationObjective } from "../../src/distillation/distillation.js";
import { prepareData } from "../../src/facts/data.js";
import {
  type Batch,
  type DistilContext,
  distil,
  type DistilInput,
  distilSchema,
  parseOptions,
  type TrainEvent,
  type TrainResult,
} from "../../src/index.js";
import { streamSeed } from "../../src/run/streams.js";
import { dense, expectNear, lively, tablesOf } from "../_models.js";
import { changed, ring } from "../_planted.js";
import { failure, finish, told } from "../_runs.js";
import { bce, gradients, kl, score, type Shape } from "../_reference.js";

const data = ring();
const shape = { entities: 24, relations: 4 };
// Six epochs of five steps: the second stage begins at step 10.
const options = changed({ soft: { candidates: 6, weight: 0.5, adaptFrom: 2 } });

/** Two teachers as pre-trained, the first of which may change. */
async function twoTeachers(): Promise<KgeModel[]> {
  return Promise.all(["RotH", "TransE"].map((model, i) => createModel({ model, dim: 4 + i, ...shape, seed: 9 + i })));
}

interface Outcome {
  readonly result: TrainResult;
  readonly events: TrainEvent[];
  readonly teachers: readonly (readonly number[][])[];
}

const values = (model: KgeModel): number[][] => [...model.tables.values()].map((table) => [...table.data]);

async function run(over: DistilInput = {}, control: Partial<DistilContext> = {}): Promise<Outcome> {
  const models = await twoTeachers();
  const teachers = models.map((model) => modelTeacher(model, model.config.model));
  const events: TrainEvent[] = [];
  const context = { data, teachers, adapting: [models[0]!], ...control };
  const result = await finish(distil(changed(over, options), context), (event) => events.push(event));
  return { result, events, teachers: models.map(values) };
}

describe("a step of the second stage", () => {
  const heads = Int32Array.of(0, 4, 4, 11, 2);
  const relations = Int32Array.of(0, 1, 7, 2, 5);
  const tails = Int32Array.of(3, 0, 4, 7, 3);
  const B = heads.length;

  it.each(["RotH", "TransE"] as const)("teaches a %s by the facts and by the Junior, as its formula", async (model) => {
    const input = parseOptions(
      distilSchema,
      changed({ model: { dim: 4 }, negatives: 6, batchSize: 8, soft: { weight: 0.7, temperature: 2 } }, options),
    );
    const prepared = prepareData(data);
    const junior = await lively({ model: "TransE", dim: 4, ...shape });
    const teacher = await lively({ model, dim: 4, ...shape });
    const teachers = [modelTeacher(teacher, "teacher")];
    const make = () => distillationObjective(junior, teachers, input, prepared);
    const main = make();
    const subject = adaptingObjective(make(), junior, [teacher], input, prepared);
    expect(subject.adapting!.tables.map(({ name }) => name)).toEqual(
      [...teacher.tables.keys()].map((name) => `adapting.0.${name}`),
    );

    const early: Batch = { epoch: 1, step: 9, heads, relations, tails };
    const first = await subject.step(early);
    expect(first.loss).toEqual((await main.step(early)).loss);
    expect([...first.gradients.keys()].filter((name) => name.startsWith("adapting"))).toEqual([]);

    const late: Batch = { ...early, epoch: 2, step: 10 };
    const { loss, gradients: found } = await subject.step(late);
    const alone = await main.step(late);
    // The Junior learns as ever.
    for (const [name, gradient] of alone.gradients) {
      const { rows, width } = name === "senior.scaling" ? { rows: 8, width: 1 } : junior.table(name);
      expect(dense(found.get(name)!, rows, width), name).toEqual(dense(gradient, rows, width));
    }

    const ids = new Int32Array(B * 7);
    const counter = late.step * input.batchSize * 6;
    const draw = { batch: B, negatives: 6, entities: 24, seed: streamSeed(input.seed, "negatives"), counter };
    (await sharedKernels()).sampleCandidates(draw, tails, ids);
    const rows = (of: Shape, tables: Record<string, number[]>): number[][] =>
      [...heads].map((h, b) =>
        [...ids.subarray(7 * b, 7 * (b + 1))].map((e) => score(of, tables, h, relations[b]!, e)),
      );
    const label = rows({ model: "TransE", dim: 4 }, tablesOf(junior));
    const half = (row: readonly number[]): number[] => row.map((x) => x / 2);
    const formula = (tables: Record<string, number[]>): number => {
      const scores = rows({ model, dim: 4 }, tables);
      const hard = bce(
        scores,
        scores.map((row) => row.map((_, k) => (k === 0 ? 1 : 0))),
      );
      return scores.reduce((sum, row, b) => sum + (0.7 * 4 * kl(half(label[b]!), half(row))) / B, hard);
    };
    expect(loss.teachers).toBeCloseTo(formula(tablesOf(teacher)), 4);
    expect(loss.total).toBeCloseTo(alone.loss.total + loss.teachers!, 6);
    for (const [name, slopes] of Object.entries(gradients(tablesOf(teacher), formula))) {
      const { rows: length, width } = teacher.table(name);
      expectNear(name, dense(found.get(`adapting.0.${name}`)!, length, width), slopes);
    }
    main.dispose();
    subject.dispose();
  });
});

describe("distillation in two stages", () => {
  it("freezes the teachers at first: until then it is the same as in one stage", async () => {
    const one = await run({ epochs: 2, soft: { adaptFrom: 0 } });
    const two = await run({ epochs: 2 });
    expect(two.teachers).toEqual(one.teachers);
    expect(told(two.events)).toEqual(told(one.events));
    expect(two.teachers).toEqual((await twoTeachers()).map(values));
  });

  it("trains those that may change from then on, and says what they lose", async () => {
    const start = (await twoTeachers()).map(values);
    const { result, events, teachers } = await run({ epochs: 3 });
    expect(teachers[1]).toEqual(start[1]);
    teachers[0]!.forEach((table, i) => expect(table).not.toEqual(start[0]![i]));
    // No jump: a step of Adam is at most about the learning rate.
    teachers[0]!.forEach((table, i) =>
      table.forEach((x, k) => expect(Math.abs(x - start[0]![i]![k]!)).toBeLessThan(5 * 0.021)),
    );
    const losses = events.flatMap((event) => (event.type === "epoch" ? [event.loss] : []));
    expect(losses.map(({ teachers: own }) => own !== undefined)).toEqual([false, false, true]);
    const { total, hard, soft, senior, teachers: own } = losses[2]!;
    expect(total).toBeCloseTo(hard + 0.5 * soft! + senior! + own!, 6);
    // The Senior's own parameters, without the teachers'.
    expect([...result.senior.keys()]).toEqual(["scaling"]);
  });

  it("lets the teachers' changes reach the Junior", async () => {
    const [one, two] = [await run({ soft: { adaptFrom: 0 } }), await run()];
    expect(values(two.result.model)).not.toEqual(values(one.result.model));
  });

  it.each<DistilInput>([
    {},
    { optimizer: { averaging: 0.5 } },
    { optimizer: { clipNorm: 0.1, weightDecay: 0.01, sparse: true } },
  ])("leaves the teachers as they were at the best validation (%o)", async (over) => {
    // Steps this large lose what was found.
    const wild = changed(over, {
      epochs: 30,
      optimizer: { learningRate: 0.3 },
      validation: { every: 1, patience: 6 },
    });
    const { result, teachers } = await run(wild);
    expect(result.best.epoch).toBeLessThan(result.epochs - 1);
    const until = await run({ ...wild, epochs: result.best.epoch + 1 });
    expect(teachers).toEqual(until.teachers);
    expect(values(result.model)).toEqual(values(until.result.model));
  });

  it.each(["1vsAll", "KvsAll", "KvsAllSoftmax", "margin"] as const)("goes with %s", async (loss) => {
    const start = (await twoTeachers()).map(values);
    const { teachers, events } = await run({ loss, epochs: 3 });
    expect(teachers[0]).not.toEqual(start[0]);
    expect(events.at(-1)!.type).toBe("done");
  });

  it.each([8, 10, 13, 29])("resumes from step %d to the same bits of Junior and teachers", async (at) => {
    const directory = await mkdtemp(join(tmpdir(), "mulde-adapting-"));
    const checkpoint = join(directory, "checkpoint");
    const over: DistilInput = { optimizer: { averaging: 0.8 }, validation: { every: 1 } };
    const whole = await run(over);
    const controller = new AbortController();
    const models = await twoTeachers();
    const stream = distil(changed(over, options), {
      data,
      teachers: models.map((model) => modelTeacher(model, model.config.model)),
      adapting: [models[0]!],
      checkpoint,
      checkpointMinutes: 0,
      signal: controller.signal,
    });
    const first = finish(stream, (event) => {
      if (event.type === "checkpoint" && event.step === at) controller.abort();
    });
    await expect(first).rejects.toMatchObject({ name: "AbortError" });
    // Teachers as pre-trained, as a new process loads them.
    const rest = await run(over, { checkpoint });
    expect(rest.events[0]).toMatchObject({ resumedAt: at });
    expect(rest.teachers).toEqual(whole.teachers);
    expect(told(rest.events)).toEqual(told(whole.events).slice(-told(rest.events).length));
    // And once more, from the checkpoint of the finished run.
    const again = await run(over, { checkpoint });
    expect(again.teachers).toEqual(whole.teachers);
    await rm(directory, { recursive: true });
  });

  it("makes prepared points of the teachers anew, in the steps and at the end", async () => {
    const [teacher] = await twoTeachers();
    const teachers = [modelTeacher(teacher!, "RotH")];
    const before = teacher!.score(data.test);
    await distil(options, { data, teachers, adapting: [teacher!] }).result;
    const after = teacher!.score(data.test);
    expect(after).not.toEqual(before);
    teacher!.touch();
    expect(teacher!.score(data.test)).toEqual(after);
  });

  it("says so when there is no teacher that may change, or one of other data", async () => {
    for (const adapting of [undefined, []]) {
      const teachers = [modelTeacher((await twoTeachers())[0]!, "RotH")];
      const context = { data, teachers, ...(adapting && { adapting }) };
      expect(failure(() => distil(options, context))).toMatchObject({
        code: "TRAINER_OPTION",
        path: ["soft", "adaptFrom"],
        value: 2,
        reason: "no teacher is a model that may learn: give models as adapting, or leave adaptFrom 0.",
      });
    }
    const other = await createModel({ model: "RotE", dim: 4, entities: 23, relations: 4 });
    const teachers = [modelTeacher((await twoTeachers())[0]!, "RotH")];
    expect(failure(() => distil(options, { data, teachers, adapting: [other] }))).toMatchObject({
      code: "TRAINER_TEACHERS",
      reason: expect.stringContaining("RotE among adapting has 23 entities") as string,
    });
  });

  it("refuses options of the Junior that do not suit a teacher that may change", async () => {
    const [model] = await twoTeachers();
    const context = { data, teachers: [modelTeacher(model!, "RotH")], adapting: [model!] };
    const own = changed({ model: "TransE", regularizer: "DURA" }, options);
    expect(failure(() => distil(own, context))).toMatchObject({
      code: "TRAINER_OPTION",
      path: ["regularizer", "name"],
      reason: expect.stringContaining("RotH is hyperbolic; choose N3 or F2") as string,
    });
  });
});
