import { access, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { evaluate, type Scorer } from "@mulde/eval";
import { type KgeModel, loadModel, modelScorer, modelTeacher } from "@mulde/kge-models";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  distil,
  type ExperimentContext,
  type ExperimentEvent,
  lockDirectory,
  parseExperiment,
  type Row,
  runExperiment,
  train,
} from "../../src/index.js";
import { brief, ring, without } from "../_planted.js";
import { finish } from "../_runs.js";

const data = ring();
const plan = {
  name: "toy",
  data: "ring",
  seed: 4,
  defaults: { ...without(brief, "seed"), model: { dim: 8 } },
  teachers: [{ model: "RotE" }, { model: { name: "TransH", dim: 6 }, name: "second" }],
  junior: { model: { name: "RotH", dim: 4 }, soft: { candidates: 6 } },
};
const experiment = parseExperiment(plan);
const adapting = { ...plan.junior, soft: { candidates: 6, adaptFrom: 1 }, validation: { every: 6 } };

let out: string;
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "mulde-pipeline-"));
});
afterEach(() => rm(out, { recursive: true }));

async function run(
  over: Partial<ExperimentContext> = {},
  what = experiment,
  onEvent?: (event: ExperimentEvent) => void,
): Promise<{ rows: readonly Row[]; events: ExperimentEvent[] }> {
  const events: ExperimentEvent[] = [];
  const rows = await finish(runExperiment(what, { data, out, ...over }), (event) => {
    events.push(event);
    onEvent?.(event);
  });
  return { rows, events };
}

const timeless = (rows: readonly Row[]): unknown[] => rows.map((row) => without(row, "seconds"));
const stages = ["RotE", "second", "undistilled", "distilled"];

describe("an experiment that runs", () => {
  it("trains, ranks and saves each model, and says so in order", async () => {
    const { rows, events } = await run();
    expect(rows.map(({ role, name, model, dim }) => [role, name, model, dim])).toEqual([
      ["teacher", "RotE", "RotE", 8],
      ["teacher", "second", "TransH", 6],
      ["undistilled", "undistilled", "RotH", 4],
      ["distilled", "distilled", "RotH", 4],
      ["senior", "senior", "RotE+TransH", 8],
    ]);
    expect(events[0]).toEqual({ type: "pipeline", name: "toy", stages });
    const milestones = events.filter(({ type }) => ["start", "done", "row"].includes(type));
    expect(milestones.map(({ type, name }) => `${type} ${name}`)).toEqual(
      stages.flatMap((name) => [`start ${name}`, `done ${name}`, `row ${name}`]),
    );
    expect((await readdir(out)).sort()).toEqual([...stages].sort());

    // Every row tells what the saved model does on the test split.
    for (const row of rows.slice(0, 4)) {
      const { model, entities, relations, dataset, training } = await loadModel(join(out, row.name));
      expect(entities).toEqual(data.entities.names);
      expect(relations).toEqual(data.relations.names);
      expect(dataset).toEqual({ name: "ring", fingerprint: data.fingerprint });
      expect(training).toMatchObject({
        row: { name: row.name },
        options: { model: { name: row.model, dim: row.dim } },
      });
      expect(row.parameters).toBe(model.parameters);
      expect(row.bytes).toBe(4 * model.parameters);
      const report = await evaluate(modelScorer(model), { triples: data.test, numRelations: 4, known: known() });
      expect(row).toMatchObject({ mrr: report.mrr, mr: report.mr, hits: report.hits, epochs: 6 });
      expect([row.headMrr, row.tailMrr]).toEqual([report.head.mrr, report.tail.mrr]);
    }
    const weights = 8 * 2;
    expect(rows[4]!.parameters).toBe(weights + rows[0]!.parameters + rows[1]!.parameters);
    expect(rows.map(({ seed }) => seed)).toEqual([5, 6, 4, 4, 4]);
  });

  it("is what the single calls give, the twin without teachers", async () => {
    const { rows } = await run();
    const { teachers, junior, undistilled } = experiment;
    const models = [];
    for (const { options } of teachers) models.push((await train(options!, { data }).result).model);
    const twin = await train(undistilled!, { data }).result;
    const named = models.map((model, i) => modelTeacher(model, teachers[i]!.name));
    const distilled = await distil(junior, { data, teachers: named }).result;
    for (const [name, { model }] of [
      ["undistilled", twin],
      ["distilled", distilled],
    ] as const) {
      const saved = await loadModel(join(out, name));
      for (const [table, { data: values }] of model.tables)
        expect([...saved.model.table(table).data]).toEqual([...values]);
    }
    const senior = await evaluate(seniorOf(distilled.senior.get("scaling")!, models), {
      triples: data.test,
      numRelations: 4,
      known: known(),
    });
    expect(rows[4]!.mrr).toBeCloseTo(senior.mrr, 12);
  });

  it("skips what is there when it runs again", async () => {
    const { rows } = await run();
    const again = await run();
    expect(again.rows).toEqual(rows);
    expect(again.events.map(({ type, name }) => `${type} ${name}`)).toEqual([
      "pipeline toy",
      ...stages.map((name) => `skipped ${name}`),
    ]);
  });

  it.each([
    ["a teacher", "second", 8],
    ["the distilled Junior", "distilled", 13],
  ])("resumes to the same rows when aborted in mid-epoch of %s", async (_, name, step) => {
    const { rows } = await run();
    await rm(out, { recursive: true });
    const controller = new AbortController();
    const aborted = run({ signal: controller.signal, checkpointMinutes: 0 }, experiment, (event) => {
      if (event.type === "checkpoint" && event.name === name && event.step === step) controller.abort();
    });
    await expect(aborted).rejects.toMatchObject({ name: "AbortError" });
    const done = stages.slice(0, stages.indexOf(name));
    expect((await readdir(out)).sort()).toEqual([...done, `${name}.checkpoint.safetensors`].sort());
    const { rows: resumed, events } = await run();
    expect(timeless(resumed)).toEqual(timeless(rows));
    expect(events.filter(({ type }) => type === "skipped").map((event) => event.name)).toEqual(done);
    expect(events.find(({ type }) => type === "start")).toMatchObject({ name, resumedAt: step });
    expect((await readdir(out)).sort()).toEqual([...stages].sort());
  });

  it("loses nothing when it is killed between a run's end and the saving of its model", async () => {
    for await (const event of runExperiment(experiment, { data, out })) if (event.type === "done") break;
    expect(await readdir(out)).toEqual(["RotE.checkpoint.safetensors"]);
    const { events } = await run();
    expect(events.filter(({ name }) => name === "RotE").map(({ type }) => type)).toEqual(["start", "done", "row"]);
    // And the other way round: a checkpoint that outlived the saving goes.
    await writeFile(join(out, "RotE.checkpoint.safetensors"), "");
    await run();
    expect((await readdir(out)).sort()).toEqual([...stages].sort());
  });

  it("refuses a directory that holds a model of another experiment, and leaves it alone", async () => {
    await run();
    const before = await readFile(join(out, "RotE", "config.json"), "utf8");
    const other = parseExperiment({ ...plan, teachers: [{ model: "RotE", epochs: 2 }] });
    await expect(run({}, other)).rejects.toMatchObject({
      name: "MuldeError",
      code: "TRAINER_FOREIGN",
      file: join(out, "RotE"),
    });
    await expect(run({ data: ring(24, 3) })).rejects.toMatchObject({ code: "TRAINER_FOREIGN" });
    expect(await readFile(join(out, "RotE", "config.json"), "utf8")).toBe(before);
  });

  it("refuses a distilled model whose teachers were other ones", async () => {
    await run();
    for (const name of ["RotE", "second"]) await rm(join(out, name), { recursive: true });
    const other = parseExperiment(
      { ...plan, teachers: plan.teachers.map((teacher) => ({ ...teacher, epochs: 1 })) },
      "plan",
    );
    await expect(run({}, other)).rejects.toMatchObject({
      code: "TRAINER_FOREIGN",
      file: join(out, "distilled"),
    });
  });

  it("refuses the distilled model's checkpoint when the teachers became other ones", async () => {
    const controller = new AbortController();
    const aborted = run({ signal: controller.signal }, experiment, (event) => {
      if (event.type === "epoch" && event.name === "distilled") controller.abort();
    });
    await expect(aborted).rejects.toMatchObject({ name: "AbortError" });
    for (const name of ["RotE", "second"]) await rm(join(out, name), { recursive: true });
    const other = parseExperiment(
      { ...plan, teachers: plan.teachers.map((teacher) => ({ ...teacher, epochs: 1 })) },
      "plan",
    );
    await expect(run({}, other)).rejects.toMatchObject({ code: "TRAINER_CHECKPOINT" });
  });

  it("does without the undistilled twin and without scaling where told so", async () => {
    const small = parseExperiment(
      {
        ...plan,
        teachers: [{ model: "RotE" }],
        junior: { ...plan.junior, senior: { scaling: "none" } },
        undistilled: false,
      },
      "plan",
    );
    const { rows } = await run({}, small);
    expect(rows.map(({ role }) => role)).toEqual(["teacher", "distilled", "senior"]);
    // One unscaled teacher ranks as it does alone.
    expect(rows[2]).toMatchObject({ mrr: rows[0]!.mrr, parameters: rows[0]!.parameters });
    await expect(access(join(out, "undistilled"))).rejects.toThrow();
  });

  it("keeps the row of the teachers that taught last where they adapt, and the teachers as they were", async () => {
    const one = await run({ out: join(out, "one") });
    const two = parseExperiment({ ...plan, junior: adapting });
    const { rows } = await run({}, two);
    expect(timeless(rows.slice(0, 2))).toEqual(timeless(one.rows.slice(0, 2)));
    for (const name of ["RotE", "second"]) {
      const [before, after] = await Promise.all([loadModel(join(out, "one", name)), loadModel(join(out, name))]);
      for (const [table, { data: values }] of before.model.tables)
        expect([...after.model.table(table).data]).toEqual([...values]);
    }
    const models = [];
    for (const name of ["RotE", "second"]) models.push((await loadModel(join(out, name))).model);
    await distil(two.junior, {
      data,
      teachers: models.map((model, i) => modelTeacher(model, two.teachers[i]!.name)),
      adapting: models,
    }).result;
    const { training } = await loadModel(join(out, "distilled"));
    const gates = (training as { senior: { scaling: number[] } }).senior.scaling;
    const queries = { triples: data.test, numRelations: 4, known: known() };
    expect(rows[4]!.mrr).toBeCloseTo((await evaluate(seniorOf(gates, models), queries)).mrr, 12);
    expect(rows[4]!.mr).not.toBe(one.rows[4]!.mr);
    // When the distilled model is there already, its teachers are the pre-trained ones again.
    const again = await run({}, two);
    expect(again.rows).toEqual(rows);
    expect(again.events.filter(({ type }) => type === "start")).toEqual([]);

    await rm(join(out, "distilled"), { recursive: true });
    const controller = new AbortController();
    const aborted = run({ signal: controller.signal, checkpointMinutes: 0 }, two, (event) => {
      if (event.type === "checkpoint" && event.name === "distilled" && event.step === 13) controller.abort();
    });
    await expect(aborted).rejects.toMatchObject({ name: "AbortError" });
    expect(timeless((await run({}, two)).rows)).toEqual(timeless(rows));
  });

  it("distils variants from the same teachers, each as it would be alone", async () => {
    const variants = {
      adapting: { soft: { adaptFrom: 1 }, validation: { every: 6 } },
      one: { teachers: ["second"], model: "RefH", undistilled: true },
    };
    const { rows, events } = await run({}, parseExperiment({ ...plan, variants }));
    expect(rows.map(({ role, name, model }) => [role, name, model])).toEqual([
      ["teacher", "RotE", "RotE"],
      ["teacher", "second", "TransH"],
      ["undistilled", "undistilled", "RotH"],
      ["distilled", "distilled", "RotH"],
      ["senior", "senior", "RotE+TransH"],
      ["distilled", "adapting", "RotH"],
      ["undistilled", "one-undistilled", "RefH"],
      ["distilled", "one", "RefH"],
    ]);
    expect(events[0]).toMatchObject({
      type: "pipeline",
      stages: ["RotE", "second", "undistilled", "distilled", "adapting", "one-undistilled", "one"],
    });
    // Though the teachers adapted to a Junior before.
    const alone = parseExperiment(
      {
        ...plan,
        teachers: [{ from: join(out, "second") }],
        junior: { ...plan.junior, model: { name: "RefH", dim: 4 } },
      },
      "plan",
    );
    const { rows: expected } = await run({ out: join(out, "alone") }, alone);
    const figures = (list: readonly Row[]) => list.map(({ mrr, mr, hits, epochs }) => ({ mrr, mr, hits, epochs }));
    expect(figures(rows.slice(6))).toEqual(figures(expected.slice(1, 3)));
    // A variant more trains no other again.
    const more = { ...variants, another: { soft: { candidates: 3 } } };
    const again = await run({}, parseExperiment({ ...plan, variants: more }));
    expect(again.rows.slice(0, 8)).toEqual(rows);
    expect(again.events.filter(({ type }) => type === "start")).toMatchObject([{ name: "another" }]);
  });

  it("takes teachers that were trained before, and a Junior as one", async () => {
    const first = await run();
    const chain = parseExperiment(
      {
        ...plan,
        teachers: [{ from: join(out, "distilled") }, { from: join(out, "second"), name: "old" }, { model: "RotE" }],
        undistilled: false,
      },
      "plan",
    );
    const directory = join(out, "chain");
    const { rows } = await run({ out: directory }, chain);
    expect(rows.map(({ role, name, model }) => [role, name, model])).toEqual([
      ["teacher", "distilled-2", "RotH"],
      ["teacher", "old", "TransH"],
      ["teacher", "RotE", "RotE"],
      ["distilled", "distilled", "RotH"],
      ["senior", "senior", "RotH+TransH+RotE"],
    ]);
    expect(rows[0]!.mrr).toBe(first.rows[3]!.mrr);
    expect(rows[1]!.mrr).toBe(first.rows[1]!.mrr);
    expect((await readdir(directory)).sort()).toEqual(["RotE", "distilled"]);
    const again = await run({ out: directory }, chain);
    expect(again.rows).toEqual(rows);
    expect(again.events.filter(({ type }) => type === "start")).toEqual([]);
    // Another model in the old one's place: what was distilled from it is of another experiment.
    await rm(join(out, "second"), { recursive: true });
    await run({}, parseExperiment({ ...plan, teachers: [plan.teachers[0], { ...plan.teachers[1], seed: 9 }] })).catch(
      () => undefined,
    );
    await expect(run({ out: directory }, chain)).rejects.toMatchObject({ code: "TRAINER_FOREIGN" });
  });

  it("distils teachers from teachers before them, each as it would be alone", async () => {
    const options = { model: { name: "RefH", dim: 4 }, soft: { candidates: 6, adaptFrom: 1 } };
    const second = { ...options, name: "generation", teachers: ["second", "RotE"] };
    const two = {
      ...plan,
      teachers: [...plan.teachers, second],
      junior: { ...plan.junior, teachers: ["generation", "RotE"] },
      undistilled: false,
    };
    const { rows, events } = await run({}, parseExperiment(two));
    expect(rows.map(({ role, name, model, seed }) => [role, name, model, seed])).toEqual([
      ["teacher", "RotE", "RotE", 5],
      ["teacher", "second", "TransH", 6],
      ["teacher", "generation", "RefH", 7],
      ["distilled", "distilled", "RotH", 4],
      ["senior", "senior", "RefH+RotE", 4],
    ]);
    expect(events[0]).toMatchObject({ stages: ["RotE", "second", "generation", "distilled"] });

    const figures = ({ mrr, mr, hits, epochs }: Row) => ({ mrr, mr, hits, epochs });
    const from = (...names: string[]) => names.map((name) => ({ from: join(out, name) }));
    const alone = async (name: string, experiment: object) => {
      const { rows } = await run({ out: join(out, name) }, parseExperiment({ ...plan, ...experiment }));
      return rows.filter(({ role }) => role === "distilled" || role === "senior").map(figures);
    };
    const given = { teachers: from("second", "RotE"), junior: options, seed: 7, undistilled: false };
    const [generation] = await alone("x", given);
    expect(figures(rows[2]!)).toEqual(generation);
    // Though its teachers adapted to it.
    const last = await alone("y", { teachers: from("generation", "RotE"), undistilled: false });
    expect(rows.slice(3).map(figures)).toEqual(last);

    const again = await run({}, parseExperiment(two));
    expect(again.rows).toEqual(rows);
    expect(again.events.filter(({ type }) => type === "start")).toEqual([]);
    // With another first generation, the second is another one too, and the Junior that it taught.
    for (const stage of ["second", "generation"]) {
      await rm(join(out, stage), { recursive: true });
      const other = { ...two, teachers: [plan.teachers[0], { ...plan.teachers[1], epochs: 1 }, second] };
      await expect(run({}, parseExperiment(other))).rejects.toMatchObject({
        code: "TRAINER_FOREIGN",
        file: join(out, stage === "second" ? "generation" : "distilled"),
      });
    }
  });

  it("refuses a teacher of other data", async () => {
    await run();
    const other = parseExperiment({ ...plan, teachers: [{ from: join(out, "RotE") }] });
    const foreign = { ...data, name: "other", fingerprint: "0".repeat(64) };
    await expect(run({ out: join(out, "x"), data: foreign }, other)).rejects.toMatchObject({
      code: "MODELS_FOREIGN_DATA",
    });
  });

  it("opens all teachers from directories before it trains anything", async () => {
    const missing = { ...plan, teachers: [{ model: "RotE" }, { from: join(out, "nowhere") }] };
    const events: ExperimentEvent[] = [];
    const refused = finish(runExperiment(parseExperiment(missing), { data, out }), (event) => events.push(event));
    await expect(refused).rejects.toMatchObject({ file: expect.stringContaining("nowhere") as string });
    expect(events).toEqual([]);
    expect(await readdir(out)).toEqual([]);
  });
});

describe("the directory of an experiment", () => {
  const brief = parseExperiment({ ...plan, teachers: [{ model: "RotE" }], undistilled: false });

  it("is locked while it runs, and refused meanwhile", async () => {
    let refused = 0;
    for await (const { type } of runExperiment(brief, { data, out })) {
      expect(await readdir(out)).toContain("mulde.lock");
      if (type !== "row") continue;
      const second = runExperiment(brief, { data, out }).result;
      await expect(second).rejects.toMatchObject({ code: "TRAINER_LOCKED", file: join(out, "mulde.lock") });
      refused++;
    }
    expect(refused).toBe(2);
    expect((await readdir(out)).sort()).toEqual(["RotE", "distilled"]);
  });

  it("is locked by the caller who holds the lock already, as long as that one wants", async () => {
    const lock = lockDirectory(out);
    await expect(run({}, brief)).rejects.toMatchObject({ code: "TRAINER_LOCKED" });
    await run({ lock }, brief);
    expect((await readdir(out)).sort()).toEqual(["RotE", "distilled", "mulde.lock"]);
    lock.release();
    expect((await readdir(out)).sort()).toEqual(["RotE", "distilled"]);
  });

  it("is unlocked after a failure, too", async () => {
    const missing = parseExperiment({ ...plan, teachers: [{ from: join(out, "nowhere") }] });
    await expect(run({}, missing)).rejects.toMatchObject({ file: expect.stringContaining("nowhere") as string });
    expect(await readdir(out)).toEqual([]);
  });

  it("keeps a finished run's checkpoint if its test is stopped, so that nothing is lost", async () => {
    const whole = await run({ out: join(out, "whole") }, brief);
    const controller = new AbortController();
    const stopped = run({ out: join(out, "parts"), signal: controller.signal }, brief, (event) => {
      if (event.type === "done" && event.name === "distilled") controller.abort();
    });
    await expect(stopped).rejects.toMatchObject({ name: "AbortError" });
    const left = await readdir(join(out, "parts"));
    expect(left.sort()).toEqual(["RotE", "distilled.checkpoint.safetensors"]);
    const { rows, events } = await run({ out: join(out, "parts") }, brief);
    expect(events.find(({ type }) => type === "start")).toMatchObject({ name: "distilled", resumedAt: 30 });
    expect(timeless(rows)).toEqual(timeless(whole.rows));
  });
});

/** The Senior of two teachers with its gates, by its formula: the mean of their scores, each scaled by sigmoid(gate of the relation). */
function seniorOf(gates: ArrayLike<number>, models: readonly KgeModel[]): Scorer {
  return {
    numEntities: 24,
    scoreAll(heads, relations, out) {
      out.fill(0);
      models.forEach((model, i) => {
        const scores = model.scoreAll({ heads, relations });
        for (let at = 0; at < out.length; at++) {
          const gate = gates[2 * relations[Math.floor(at / 24)]! + i]!;
          out[at]! += scores[at]! / (1 + Math.exp(-gate)) / 2;
        }
      });
    },
  };
}

function known() {
  const answers = new Map<string, number[]>();
  for (const { heads, relations, tails, length } of [data.train, data.valid, data.test]) {
    for (let i = 0; i < length; i++) {
      const [h, r, t] = [heads[i]!, relations[i]!, tails[i]!];
      for (const [key, id] of [
        [`${h} ${r}`, t],
        [`${t} ${r + 4}`, h],
      ] as const) {
        answers.set(
          key,
          [...(answers.get(key) ?? []), id].sort((a, b) => a - b),
        );
      }
    }
  }
  return { answers: (h: number, r: number) => Int32Array.from(answers.get(`${h} ${r}`) ?? []) };
}
