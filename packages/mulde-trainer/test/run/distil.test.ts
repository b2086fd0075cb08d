import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createModel, defineModel, type KgeModel, modelTeacher } from "@mulde/kge-models";
import type { Parameter, Scaling, Teacher } from "@mulde/senior";
import { describe, expect, it } from "vitest";
import { distil, type DistilInput, type TrainEvent, type TrainResult } from "../../src/index.js";
import { changed, ring, without } from "../_planted.js";
import { eventsOf, failure, finish, told } from "../_runs.js";

const data = ring();
const R = 4;
const options = changed({ epochs: 2, negatives: 3, soft: { candidates: 4 } });
const sine: Teacher = {
  name: "sine",
  score: (_, __, candidates, out) => candidates.forEach((entity, i) => (out[i] = Math.sin(entity))),
};
const rising: Teacher = { name: "rising", score: (_, __, candidates, out) => out.set(candidates) };

const values = (model: KgeModel): number[][] => [...model.tables.values()].map((table) => [...table.data]);

describe("the teachers of a distillation", () => {
  it.each<[string, number, number]>([
    ["fewer entities", 23, R],
    ["more entities", 25, R],
    ["fewer relations", 24, R - 1],
    ["more relations", 24, R + 1],
  ])("are refused at once if one has %s than the data", async (_, entities, relations) => {
    const model = await createModel({ model: "TransE", dim: 4, entities, relations });
    const teachers = [sine, modelTeacher(model, "small")];
    const refused = failure(() => distil(options, { data, teachers }));
    expect(refused).toMatchObject({ code: "SENIOR_TEACHER", path: ["teachers", 1] });
    expect(refused.reason).toContain('"small"');
    model.dispose();
  });

  it.each<[string, unknown, RegExp]>([
    ["two of one name", [sine, rising, { ...rising, name: "sine" }], /"sine"/],
    ["one without a name", [sine, without(rising, "name")], /no name/],
    ["one with an empty name", [{ ...rising, name: "" }], /no name/],
    ["one that does not score", [{ name: "mute" }], /"mute" has no function "score"/],
  ])("are refused at once if they are %s", (_, teachers, reason) => {
    const refused = failure(() => distil(options, { data, teachers: teachers as Teacher[] }));
    expect(refused.code).toBe("SENIOR_TEACHER");
    expect(refused.reason).toMatch(reason);
  });

  it("must be one at least", () => {
    expect(failure(() => distil(options, { data, teachers: [] }))).toMatchObject({ code: "TRAINER_TEACHERS" });
  });
});

describe("candidates without known answers", () => {
  const unknown = changed({ soft: { candidates: { known: false } }, senior: { scaling: "none" } }, options);

  async function run(over: DistilInput): Promise<{ events: TrainEvent[]; before: number[][]; after: number[][] }> {
    const model = await createModel({ model: "RotE", dim: 4, entities: 24, relations: R, seed: 7 });
    const before = values(model);
    const context = { data, teachers: [modelTeacher(model, "RotE"), sine], adapting: [model] };
    const events = await eventsOf(distil(changed(over, unknown), context));
    return { events, before, after: values(model) };
  }

  it.each(["bce", "1vsAll"])("go with teachers that adapt, in both stages: %s", async (loss) => {
    const { events, before, after } = await run({ loss, epochs: 4, soft: { adaptFrom: 2 } });
    const losses = events.flatMap((event) => (event.type === "epoch" ? [event.loss.teachers] : []));
    expect(losses.map((teachers) => teachers === undefined)).toEqual([true, true, false, false]);
    expect(after).not.toEqual(before);
    // The first stage is what it is without a second one.
    const frozen = await run({ loss, epochs: 4 });
    expect(told(events).slice(0, 2)).toEqual(told(frozen.events).slice(0, 2));
    expect(frozen.after).toEqual(before);
  });
});

describe("the Senior's parameters", () => {
  /** Two parameters: 2R m + 5 values of which all matter to every scale, and one by relation. */
  function odd(teachers: number): Scaling & { readonly own: readonly Parameter[] } {
    const parameter = (name: string, length: number): Parameter => ({
      name,
      value: new Float32Array(length).fill(0.1),
      gradient: new Float32Array(length),
    });
    const [all, one] = [parameter("odd", 2 * R * teachers + 5), parameter("by relation", 2 * R)];
    return {
      own: [all, one],
      scales(relations, m) {
        const sum = all.value.reduce((x, v, i) => x + v * (1 + i / 10), 0) / all.value.length;
        return Float32Array.from(
          { length: relations.length * m },
          (_, i) => sum + one.value[relations[Math.floor(i / m)]!]!,
        );
      },
      backward(relations, gradScales) {
        const m = gradScales.length / relations.length;
        gradScales.forEach((g, i) => {
          one.gradient[relations[Math.floor(i / m)]!]! += g;
          all.gradient.forEach((_, j) => (all.gradient[j]! += (g * (1 + j / 10)) / all.gradient.length));
        });
      },
      zeroGradients: () => [all, one].forEach(({ gradient }) => gradient.fill(0)),
      parameters: () => [all, one],
    };
  }

  const start = (control: { checkpoint?: string } = {}, scaling: Scaling = odd(2)) =>
    distil(options, { data, teachers: [sine, rising], parts: { senior: { scaling } }, ...control });

  it("of any number and length train wholly", async () => {
    const { senior } = await start().result;
    expect([...senior].map(([name, { length }]) => [name, length])).toEqual([
      ["odd", 2 * R * 2 + 5],
      ["by relation", 2 * R],
    ]);
    for (const trained of senior.values()) for (const value of trained) expect(value).not.toBeCloseTo(0.1, 4);
  });

  it("of any number and length are in checkpoints", async () => {
    const directory = await mkdtemp(join(tmpdir(), "mulde-odd-"));
    const checkpoint = join(directory, "checkpoint");
    const whole = await start().result;
    const run = start({ checkpoint });
    const stopped = finish(run, ({ type }) => type === "epoch" && run.stop());
    await expect(stopped).rejects.toMatchObject({ code: "TRAINER_STOPPED" });
    const rest = await start({ checkpoint }).result;
    expect(rest.senior).toEqual(whole.senior);
    await rm(directory, { recursive: true });
  });

  it("of one name are refused", async () => {
    const scaling = odd(2);
    const twice = { ...scaling, parameters: () => [scaling.own[0]!, { ...scaling.own[1]!, name: "odd" }] };
    await expect(start({}, twice).result).rejects.toMatchObject({ code: "SENIOR_PARAMETER" });
  });

  it("are not mixed with a table of the model that has their name", async () => {
    const define = (name: string, table: string) =>
      defineModel({
        name,
        similarity: "dot",
        dimMultiple: 1,
        tables: { [table]: { width: (dim) => dim, init: "uniform" } },
        encode: (tf, { head, relation }) => tf.mul(head, relation[table]!),
      });
    define("ScalingTable", "scaling");
    define("GateTable", "gate");
    const run = (name: string): Promise<TrainResult> =>
      distil(changed({ model: { name, dim: 2 } }, options), { data, teachers: [sine, rising] }).result;
    const [one, two] = [await run("ScalingTable"), await run("GateTable")];
    expect(one.senior).toEqual(two.senior);
    expect(one.senior.get("scaling")).toHaveLength(2 * R * 2);
    expect(values(one.model)).toEqual(values(two.model));
    expect([...one.model.table("scaling").data]).not.toEqual([...one.senior.get("scaling")!]);
  });
});

it("a teacher that waits hears that the run is stopped", async () => {
  const waiting: Teacher = {
    name: "waiting",
    score: (_, __, ___, out, { signal } = {}) =>
      new Promise((resolve, reject) => {
        out.fill(1);
        if (++asked < 7) {
          resolve();
          return;
        }
        signal!.addEventListener("abort", () => reject(signal!.reason as Error));
        run.stop(new Error("enough"));
      }),
  };
  let asked = 0;
  const directory = await mkdtemp(join(tmpdir(), "mulde-waiting-"));
  const checkpoint = join(directory, "checkpoint");
  const run = distil(options, { data, teachers: [waiting], checkpoint });
  const events: TrainEvent[] = [];
  await expect(finish(run, (event) => events.push(event))).rejects.toThrow("enough");
  // The step under way is not counted.
  expect(events.at(-1)).toMatchObject({ type: "checkpoint", step: 6 });
  const patient = { ...waiting, score: sine.score.bind(sine) };
  const [start] = await eventsOf(distil(options, { data, teachers: [patient], checkpoint }));
  expect(start).toMatchObject({ resumedAt: 6 });
  await rm(directory, { recursive: true });
});
