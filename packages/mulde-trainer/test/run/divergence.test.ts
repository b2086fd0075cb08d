import { readFile } from "node:fs/promises";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type MuldeError } from "@mulde/errors";
import { createModel, type KgeModel, loadModel, modelTeacher, saveModel } from "@mulde/kge-models";
import type { Teacher } from "@mulde/senior";
import { describe, expect, it } from "vitest";
import {
  type DistilInput,
  distil,
  type Label,
  type RunControl,
  train,
  type TrainEvent,
  type TrainingRun,
} from "../../src/index.js";
import { brief, changed, ring } from "../_planted.js";

const data = ring();
const stepsPerEpoch = Math.ceil((2 * data.train.length) / 32);
const file = (): string => join(mkdtempSync(join(tmpdir(), "mulde-diverged-")), "checkpoint.safetensors");

interface Lost {
  readonly error: MuldeError;
  readonly event: Extract<TrainEvent, { type: "diverged" }>;
  readonly events: readonly TrainEvent[];
  /** the tables during the event */
  readonly tables: Record<string, number[]> | undefined;
}

/** Listens to a run that diverges. */
async function lost(
  run: TrainingRun,
  atEvent: (model: KgeModel) => Promise<void> | void = () => undefined,
): Promise<Lost> {
  const events: TrainEvent[] = [];
  let tables: Record<string, number[]> | undefined;
  try {
    for await (const event of run) {
      events.push(event);
      if (event.type !== "diverged" || !event.best) continue;
      tables = tablesOf(event.best.model);
      await atEvent(event.best.model);
    }
  } catch (error) {
    const event = events.at(-1)!;
    if (event.type !== "diverged") throw error;
    return { error: error as MuldeError, event, events, tables };
  }
  throw new Error("the run did not diverge");
}

function tablesOf(model: KgeModel): Record<string, number[]> {
  return Object.fromEntries([...model.tables].map(([name, table]) => [name, [...table.data]]));
}

/** A mean of squares as a loss, which a step's number may spoil. */
function label(spoil: (call: number, gradient: Float32Array) => number | undefined): Label {
  let calls = 0;
  return {
    name: "own",
    learn({ scores, gradient, stride, K, queries }) {
      let loss = 0;
      for (let b = 0; b < queries.heads.length; b++) {
        for (let i = b * stride; i < b * stride + K; i++) {
          gradient[i] = scores[i]! / 100;
          loss += scores[i]! ** 2 / 200;
        }
      }
      return { hard: spoil(++calls, gradient) ?? loss };
    },
  };
}

const failing = 3 * stepsPerEpoch + 2;

describe("a run that diverges", () => {
  it.each([
    ["NaN", NaN],
    ["Infinity", Infinity],
    ["-Infinity", -Infinity],
  ])("stops at the step in which a gradient is %s, and names table, row, epoch and batch", async (_, value) => {
    for (const name of ["adam", "adagrad"] as const) {
      const parts = {
        label: label((call, gradient) => {
          if (call === failing) gradient[5] = value;
          return undefined;
        }),
      };
      const options = changed({ optimizer: { name }, validation: { every: 1 } });
      const { error, event, events } = await lost(train(options, { data, parts, name: "mine" }));
      expect(error).toMatchObject({ name: "MuldeError", code: "TRAINER_DIVERGED" });
      expect(error.message).toMatch(
        /^mine \(RotH\) diverged in epoch 4, batch 2: the gradient of table "entity", row \d+ \("e\d+"\), is NaN\. Lower optimizer\.learningRate\.$/,
      );
      expect(event).toMatchObject({ name: "mine", epoch: 3, step: failing - 1 });
      expect(error.message).toContain(event.reason);
      expect(events.filter(({ type }) => type === "validation")).toHaveLength(3);
    }
  });

  it("stops at the step in which a gradient is too large to be squared, unless it is clipped", async () => {
    const parts = () => ({
      label: label((call, gradient) => {
        if (call === failing) gradient[5] = 1e25;
        return undefined;
      }),
    });
    const { error } = await lost(train(brief, { data, parts: parts() }));
    expect(error.message).toMatch(
      /the gradient of table "\w+", row \d+ .*, is -?[\d.]+e\+\d+, too large to be squared\./,
    );
    await train(changed({ optimizer: { clipNorm: 1 } }), { data, parts: parts() }).result;
    // An infinite norm would clip all gradients to 0 or NaN.
    const infinite = {
      label: label((call, gradient) => {
        if (call === failing) gradient[5] = Infinity;
        return undefined;
      }),
    };
    const clipped = await lost(train(changed({ optimizer: { clipNorm: 1 } }), { data, parts: infinite }));
    expect(clipped.event.step).toBe(failing - 1);
  });

  it("names the loss", async () => {
    const parts = { label: label((call) => (call === failing ? NaN : undefined)) };
    const { error, event } = await lost(train(brief, { data, parts }));
    expect(error.message).toBe(
      "RotH (RotH) diverged in epoch 4, batch 2: the loss is NaN (hard NaN). Lower optimizer.learningRate.",
    );
    expect(event.reason).toBe("the loss is NaN (hard NaN)");
  });

  it("does not blame the learning rate before anything was trained", async () => {
    const parts = { label: label((call) => (call === 1 ? NaN : undefined)) };
    const { error, event } = await lost(train(brief, { data, parts }));
    expect(error.message).not.toContain("learningRate");
    expect(error.message).toContain("Nothing was trained yet");
    expect(event.best).toBeUndefined();
  });

  it("offers the best state so far, and frees it afterwards", async () => {
    const spoiled = { label: label((call) => (call === failing ? NaN : undefined)) };
    const options = changed({ validation: { every: 1 } });
    const directory = mkdtempSync(join(tmpdir(), "mulde-diverged-"));
    const names = { entities: data.entities.names, relations: data.relations.names };
    const { event, tables, events } = await lost(train(options, { data, parts: spoiled }), (model) =>
      saveModel(model, directory, names),
    );
    const best = events.filter((other) => other.type === "validation" && other.best).at(-1)!;
    expect(event.best).toMatchObject({
      best: { epoch: (best as { epoch: number }).epoch },
      epochs: 4,
      steps: failing - 1,
    });
    // What a run gives that ends there.
    const parts = { label: label(() => undefined) };
    const whole = await train(changed({ epochs: 3 }, options), { data, parts }).result;
    expect(tables).toEqual(tablesOf(whole.model));
    const { model } = await loadModel(directory);
    expect(tablesOf(model)).toEqual(tables);
    expect(() => event.best!.model.tables).toThrow(expect.objectContaining({ code: "MODELS_DISPOSED" }) as MuldeError);
  });

  it("writes no checkpoint any more, so that the last good one stays, and says what to do with it", async () => {
    const checkpoint = file();
    const control: RunControl = { checkpoint, checkpointMinutes: 0 };
    const run = train(brief, { data, ...control, parts: { label: label((call) => (call === 7 ? NaN : undefined)) } });
    const { error } = await lost(run);
    const before = await readFile(checkpoint);
    expect(error.message).toContain(
      `The checkpoint ${checkpoint} is from before that, and belongs to the present options: delete it when you change them.`,
    );
    // Resumed, the run starts at the step that failed.
    const again = await lost(
      train(brief, { data, ...control, parts: { label: label((call) => (call === 1 ? NaN : undefined)) } }),
    );
    expect(again.events[0]).toMatchObject({ type: "start", resumedAt: 6 });
    expect(again.error.message).toContain("Lower optimizer.learningRate.");
    expect(await readFile(checkpoint)).toEqual(before);
  });

  it("names the entity that a validation cannot rank", async () => {
    // One step an epoch, which moves everything so far that squared distances overflow.
    const wild = changed({ model: "TransE", batchSize: 1000, optimizer: { learningRate: 1e37 } });
    const { error, event } = await lost(train(changed({ validation: { every: 1 } }, wild), { data }));
    expect(error.message).toMatch(
      /^TransE \(TransE\) diverged in the validation after epoch 1: "e\d+" scores (-Infinity|NaN) for head "e\d+", relation "[^"]+"( \(reversed\))?\. Lower/,
    );
    expect(event).toMatchObject({ epoch: 0, step: 1, best: undefined });
  });
});

const spoils: [string, (out: Float32Array) => void, RegExp][] = [
  ["NaN", (out) => (out[7] = NaN), /gave NaN for/],
  ["Infinity", (out) => (out[7] = Infinity), /gave Infinity for/],
  ["-Infinity", (out) => (out[7] = -Infinity), /gave -Infinity for/],
  [
    "1e30",
    (out) => (out[7] = 1e30),
    /gave 1\.0000000150474662e\+30 for .*beside which nothing is left of other scores/,
  ],
  ["a constant 1e30", (out) => out.fill(1e30), /gave 1\.0000000150474662e\+30 for .*beside which nothing is left/],
];

describe("a teacher that gives what nobody can use", () => {
  const flat: Teacher = { name: "flat", score: (_, __, ___, out) => void out.fill(1) };
  const options: DistilInput = changed({ soft: { candidates: 5 } });

  /** A teacher with ordinary scores, from the tenth call on with spoilt ones. */
  function spoiled(spoil: (out: Float32Array) => void, writesAll: boolean): Teacher & { seen: Int32Array[] } {
    let calls = 0;
    const seen: Int32Array[] = [];
    return {
      name: "broken",
      seen,
      writesAll,
      score(heads, relations, candidates, out) {
        for (let i = 0; i < out.length; i++) out[i] = Math.sin(candidates[i]!);
        if (++calls < 10) return;
        spoil(out);
        seen.push(heads.slice(), relations.slice(), candidates.slice());
      },
    };
  }

  it.each(spoils)("%s: stops with run, model, epoch, batch, teacher and query", async (_, spoil, text) => {
    for (const writesAll of [false, true]) {
      const teacher = spoiled(spoil, writesAll);
      const run = distil(options, { data, name: "junior", teachers: [flat, teacher] });
      const { error, event } = await lost(run);
      expect(error).toMatchObject({ code: "TRAINER_DIVERGED" });
      expect(error.message).toMatch(/^junior \(RotH\) diverged in epoch 2, batch 5: the teacher "broken" gave /);
      expect(error.message).toMatch(text);
      expect(error.message).not.toContain("learningRate");
      expect(event).toMatchObject({ epoch: 1, step: 9 });
      const value = error.value as { head: number; relation: number; candidate: number };
      // "a constant" is wrong everywhere.
      const at = _.includes("constant") ? 0 : 7;
      expect([value.head, value.relation, value.candidate]).toEqual([
        teacher.seen[0]![Math.floor(at / 5)],
        teacher.seen[1]![Math.floor(at / 5)],
        teacher.seen[2]![at],
      ]);
      const R = data.relations.size;
      const relation =
        value.relation < R
          ? JSON.stringify(data.relations.name(value.relation))
          : `${JSON.stringify(data.relations.name(value.relation - R))} (reversed)`;
      expect(error.message).toContain(
        `for head ${JSON.stringify(data.entities.name(value.head))}, relation ${relation}, candidate ${JSON.stringify(data.entities.name(value.candidate))}`,
      );
    }
  });

  it("names ids where there are no names", async () => {
    const nameless = { ...data, entities: { size: data.entities.size }, relations: { size: data.relations.size } };
    const { error } = await lost(
      distil(options, { data: nameless, teachers: [spoiled((out) => out.fill(NaN), true)] }),
    );
    expect(error.message).toMatch(/gave NaN for head \d+, relation \d+( \(reversed\))?, candidate \d+\./);
  });

  it.each(["none", "zScore", "belowBest", "ranks"] as const)(
    "NaN and infinities of a trusted teacher show with normalization %s, and where the confidence asks it",
    async (normalization) => {
      for (const value of [NaN, Infinity, -Infinity]) {
        for (const confidence of [0, 1]) {
          const more = changed({ senior: { normalization }, soft: { confidence } }, options);
          const { error } = await lost(
            distil(more, { data, teachers: [flat, spoiled((out) => out.fill(value), true)] }),
          );
          expect(error.message).toContain(`the teacher "broken" gave ${value} for head`);
        }
      }
    },
  );

  it("trains on with a normalization that copes with 1e30", async () => {
    for (const normalization of ["zScore", "ranks"] as const) {
      const teachers = [flat, spoiled((out) => (out[7] = 1e30), true)];
      const run = distil(changed({ senior: { normalization } }, options), { data, teachers });
      const { model } = await run.result;
      for (const { data: values } of model.tables.values()) expect(values.every(Number.isFinite)).toBe(true);
      model.dispose();
    }
    // belowBest sees no difference between equal scores.
    const constant = [flat, spoiled((out) => out.fill(1e30), true)];
    (
      await distil(changed({ senior: { normalization: "belowBest" } }, options), { data, teachers: constant }).result
    ).model.dispose();
    const spread = [flat, spoiled((out) => (out[7] = 1e30), true)];
    const { error } = await lost(
      distil(changed({ senior: { normalization: "belowBest" } }, options), { data, teachers: spread }),
    );
    expect(error.message).toContain('the teacher "broken" gave');
    expect(error.message).toContain(
      "Choose senior.normalization zScore or ranks, which make all teachers equally large",
    );
  });

  it("is told from the Junior, whose learning rate is then to blame", async () => {
    const wild = changed({ model: "TransE", optimizer: { learningRate: 1e30 } }, options);
    const { error } = await lost(distil(wild, { data, teachers: [flat] }));
    expect(error.message).toMatch(
      /diverged in epoch 1, batch 2: "e\d+" scores (NaN|-Infinity) for head "e\d+", relation "[^"]+"( \(reversed\))?\. Lower optimizer\.learningRate\.$/,
    );
    const random = changed({ soft: { candidates: { source: "random" } } }, wild);
    const others = await lost(distil(random, { data, teachers: [flat] }));
    expect(others.error.message).toMatch(/batch 2: .*Lower optimizer\.learningRate\.$/);
    expect(others.error.message).not.toContain("teacher");
  });

  it("is told from a teacher that learns itself", async () => {
    const pupil = await createModel({ model: "TransE", dim: 8, entities: 24, relations: 4, seed: 2 });
    const wild = changed({ optimizer: { learningRate: 1e30 }, soft: { adaptFrom: 1 }, epochs: 3 }, options);
    const { error } = await lost(distil(wild, { data, teachers: [modelTeacher(pupil, "pupil")], adapting: [pupil] }));
    expect(error.message).toContain("Lower optimizer.learningRate.");
    pupil.dispose();
  });

  it("leaves the checkpoint, from which the run goes on once the teacher is mended", async () => {
    const checkpoint = file();
    const control = { checkpoint, checkpointMinutes: 0 };
    const broken = spoiled((out) => out.fill(NaN), false);
    const { error } = await lost(distil(options, { data, ...control, teachers: [flat, broken] }));
    expect(error.message).toContain(
      `Mend this teacher: it must score every candidate with a finite number. The checkpoint ${checkpoint} is from before that: run again to go on from there, or delete it to start anew.`,
    );
    const mended: Teacher = spoiled(() => undefined, false);
    const events: TrainEvent[] = [];
    for await (const event of distil(options, { data, ...control, teachers: [flat, mended] })) events.push(event);
    expect(events[0]).toMatchObject({ type: "start", resumedAt: 9 });
    expect(events.at(-1)).toMatchObject({ type: "done" });
  });
});
