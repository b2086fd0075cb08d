import { tripleList } from "@mulde/datasets";
import { createModel, modelTeacher } from "@mulde/kge-models";
import type { Teacher } from "@mulde/senior";
import { describe, expect, it } from "vitest";
import { TopKMemory } from "../../src/distillation/top-k-memory.js";
import { distil, type DistilInput } from "../../src/index.js";
import { brief, changed, ring } from "../_planted.js";
import { eventsOf, failure, told } from "../_runs.js";

const queries = tripleList(Int32Array.of(5, 0, 5), Int32Array.of(1, 3, 1), Int32Array.of(2, 4, 6));
const all = (epoch: number) => ({ epoch, heads: queries.heads, relations: queries.relations });

describe("the memory of top K", () => {
  it("has every query looked up once in each of the first epochs, and then only where that is long ago", () => {
    const memory = new TopKMemory(queries, 2, 2, 2);
    const one = (epoch: number) => ({ epoch, heads: Int32Array.of(0), relations: Int32Array.of(3) });
    expect(memory.stale(all(0))).toEqual([0, 1, 2]);
    memory.keep(all(0), Int32Array.of(1, 2, 3, 4, 1, 2));
    expect(memory.stale(all(0))).toEqual([]);
    expect(memory.stale(all(1))).toEqual([0, 1, 2]);
    memory.keep(all(1), Int32Array.of(1, 2, 3, 4, 1, 2));
    expect(memory.stale(all(2))).toEqual([]);
    expect(memory.stale(all(3))).toEqual([0, 1, 2]);
    memory.keep(one(3), Int32Array.of(7, 8));
    expect(memory.stale(all(3))).toEqual([0, 2]);
  });

  it("recalls each query's own, whatever the batch", () => {
    const memory = new TopKMemory(queries, 2, 3, 2);
    memory.keep(all(0), Int32Array.of(1, 2, 3, 4, 5, 6));
    const out = new Int32Array(4);
    memory.recall({ heads: Int32Array.of(0, 5), relations: Int32Array.of(3, 1) }, out);
    // The same query twice keeps what came last.
    expect([...out]).toEqual([3, 4, 5, 6]);
    const wide = new Int32Array(6).fill(-7);
    memory.recall({ heads: Int32Array.of(0, 5), relations: Int32Array.of(3, 1) }, wide, 3);
    expect([...wide]).toEqual([3, 4, -7, 5, 6, -7]);
  });

  it("is whole in its state, which a checkpoint fills in place", () => {
    const [one, other] = [new TopKMemory(queries, 2, 3, 2), new TopKMemory(queries, 2, 3, 2)];
    one.keep(all(4), Int32Array.of(1, 2, 3, 4, 1, 2));
    for (const [name, values] of one.state()) other.state().get(name)!.set(values);
    expect(other.stale(all(5))).toEqual([]);
    const out = new Int32Array(6);
    other.recall(all(5), out);
    expect([...out]).toEqual([1, 2, 3, 4, 1, 2]);
  });

  it("refuses other queries than those of training, and more than a checkpoint can hold", () => {
    const memory = new TopKMemory(queries, 2, 3, 2);
    const strange = { epoch: 0, heads: Int32Array.of(4), relations: Int32Array.of(0) };
    expect(failure(() => memory.stale(strange))).toMatchObject({
      code: "TRAINER_DATA",
      reason: expect.stringContaining("(4, 0, ?) is none") as string,
    });
    expect(failure(() => new TopKMemory(queries, 2, 3, 2 ** 28))).toMatchObject({
      code: "TRAINER_OPTION",
      path: ["soft", "candidates", "refresh"],
      value: 3,
      reason: expect.stringContaining("would keep 2.0 GiB of candidates") as string,
    });
  });

  it("keeps the teachers' scores until a query is looked up again", () => {
    const memory = new TopKMemory(queries, 2, 3, 2, 2);
    const two = { epoch: 3, heads: Int32Array.of(5, 0), relations: Int32Array.of(1, 3) };
    memory.keep(two, Int32Array.of(1, 2, 3, 4));
    expect(memory.unscored(two)).toEqual([0, 1]);
    memory.keepScores(two, Float32Array.of(-1, -2, -3, -4, -5, -6, -7, -8));
    expect(memory.unscored(two)).toEqual([]);
    const turned = { heads: two.heads.toReversed(), relations: two.relations.toReversed() };
    const out = new Float32Array(8);
    memory.recallScores(turned, out);
    expect([...out]).toEqual([-3, -4, -1, -2, -7, -8, -5, -6]);
    memory.keep({ epoch: 6, heads: Int32Array.of(0), relations: Int32Array.of(3) }, Int32Array.of(7, 8));
    expect(memory.unscored(two)).toEqual([1]);
  });
});

describe("a distillation that keeps the Junior's top K", () => {
  const data = ring();
  async function events(over: DistilInput): Promise<unknown[]> {
    const model = await createModel({ model: "RotE", dim: 4, entities: 24, relations: 4, seed: 9 });
    const options = changed(over, changed({ soft: { candidates: 6 } }));
    const seen = told(await eventsOf(distil(options, { data, teachers: [modelTeacher(model, "RotE")] })));
    model.dispose();
    return seen;
  }

  it("is the same while it looks them up in every epoch, and another one after", async () => {
    const [fresh, kept] = [await events({}), await events({ soft: { candidates: { refresh: 2 } } })];
    const first = (list: unknown[]) => list.slice(0, 2);
    expect(first(kept)).toEqual(first(fresh));
    expect(kept).not.toEqual(fresh);
    expect(kept).toHaveLength(fresh.length);
    // Longer than the run: nothing is ever kept.
    expect(await events({ soft: { candidates: { refresh: brief.epochs! } } })).toEqual(fresh);
  });

  it("asks frozen teachers once about what it keeps, and those that adapt every time", async () => {
    const model = await createModel({ model: "RotE", dim: 4, entities: 24, relations: 4, seed: 9 });
    const frozen = modelTeacher(model, "RotE");
    async function asked(over: DistilInput): Promise<number> {
      let count = 0;
      const teacher: Teacher = {
        name: "counted",
        score(heads, relations, candidates, out) {
          count += heads.length;
          frozen.score(heads, relations, candidates, out);
        },
      };
      const context = { data, teachers: [teacher], adapting: [model] };
      await distil(changed(over, changed({ epochs: 4, soft: { candidates: 6 } })), context).result;
      return count;
    }
    const always = await asked({});
    // Looked up in the first, second and fourth epoch.
    expect(await asked({ soft: { candidates: { refresh: 2 } } })).toBe((always * 3) / 4);
    expect(await asked({ soft: { candidates: { refresh: 2 }, adaptFrom: 3 } })).toBe(always);
    model.dispose();
  });
});
