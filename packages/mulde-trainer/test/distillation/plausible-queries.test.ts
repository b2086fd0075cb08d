import { tripleList, withReciprocals } from "@mulde/datasets";
import { createModel, modelTeacher } from "@mulde/kge-models";
import type { Teacher } from "@mulde/senior";
import { describe, expect, it } from "vitest";
import { distillationObjective } from "../../src/distillation.js";
import { distil, type DistilInput, distilSchema, finish, parseOptions, prepareData } from "../../src/index.js";
import { UnseenQueries } from "../../src/unseen-queries.js";
import { dense, expectAdded, lively, tablesOf } from "../_models.js";
import { brief, ring } from "../_planted.js";
import { gradients, kl, score, type Tables } from "../_reference.js";

// Three people (0, 1, 2) have an employer (3 or 4) by relation 0, two of them an instrument (5) by relation 1; relation 2 joins instruments.
const facts = tripleList(
  Int32Array.of(0, 1, 2, 0, 1, 5),
  Int32Array.of(0, 0, 0, 1, 1, 2),
  Int32Array.of(3, 3, 4, 5, 5, 6),
);
const queries = withReciprocals(facts, 3);

describe("unseen queries", () => {
  const draws = (seed: number, step: number): string[] => {
    const { heads, relations } = new UnseenQueries(queries, seed).draw(
      { epoch: 0, step, heads: new Int32Array(), relations: new Int32Array(), tails: new Int32Array() },
      400,
    );
    return Array.from(heads, (h, i) => `${h} ${relations[i]}`);
  };

  it("ask of an entity what entities like it are asked", () => {
    const drawn = new Set(draws(1, 0));
    // Nobody knows an instrument of person 2, but other people have one.
    expect(drawn).toContain("2 1");
    expect(drawn).toContain("0 0");
    // People are not asked what joins instruments, nor instruments for an employer.
    for (const query of ["0 2", "1 2", "2 2", "5 0", "6 0"]) expect(drawn).not.toContain(query);
  });

  it("are the same for a seed and a step, and others for another", () => {
    expect(draws(1, 3)).toEqual(draws(1, 3));
    expect(draws(1, 3)).not.toEqual(draws(1, 4));
    expect(draws(1, 3)).not.toEqual(draws(2, 3));
  });
});

describe("a distillation step with unseen queries", () => {
  const entities = 12;
  const numRelations = 2;
  const train = tripleList(Int32Array.of(0, 4, 4, 11), Int32Array.of(0, 1, 1, 0), Int32Array.of(3, 0, 2, 7));
  const data = { entities: { size: entities }, relations: { size: numRelations }, train, valid: train, test: train };
  const teacherScore = (h: number, r: number, e: number): number => 3 * Math.sin(1 + 7 * h + 3 * r + 2 * e);
  const teacher: Teacher = {
    name: "teacher",
    score(hs, rs, candidates, out) {
      const K = candidates.length / hs.length;
      candidates.forEach((e, at) => (out[at] = teacherScore(hs[Math.floor(at / K)]!, rs[Math.floor(at / K)]!, e)));
    },
  };
  const base: DistilInput = { dim: 4, seed: 9, negatives: 3, topK: 4, batchSize: 4, softWeight: 0.7 };
  const parse = (more: DistilInput) => parseOptions(distilSchema, { ...base, ...more });
  const batch = { epoch: 0, step: 2, heads: train.heads, relations: train.relations, tails: train.tails };

  it("adds the soft label of their 1 + negatives + topK best, and leaves the Senior as it is", async () => {
    const shape = { model: "RotH", dim: 4 } as const;
    const results = [];
    for (const unseenQueries of [0, 1.5]) {
      const junior = await lively({ ...shape, entities, relations: numRelations });
      const objective = distillationObjective(junior, [teacher], parse({ unseenQueries }), prepareData(data));
      const { loss, gradients: found } = await objective.step(batch);
      const tables = [...junior.tables.values()];
      const byTable = new Map(tables.map(({ name, rows, width }) => [name, dense(found.get(name)!, rows, width)]));
      results.push({ loss, byTable, scaling: [...found.get("scaling")!.values], tables: tablesOf(junior) });
      objective.dispose();
      junior.dispose();
    }
    const [without, withThem] = results as [(typeof results)[0], (typeof results)[0]];
    const { heads, relations } = new UnseenQueries(prepareData(data).queries, base.seed!).draw(batch, 6);
    const { tables } = without;
    const best = Array.from(heads, (h, b) =>
      Array.from({ length: entities }, (_, e) => e)
        .sort((x, y) => score(shape, tables, h, relations[b]!, y) - score(shape, tables, h, relations[b]!, x))
        .slice(0, 8),
    );
    const gate = 1 / (1 + Math.exp(-1));
    const unseen = (moved: Tables): number =>
      best.reduce((sum, row, b) => {
        const label = row.map((e) => gate * Math.fround(teacherScore(heads[b]!, relations[b]!, e)));
        return (
          sum +
          kl(
            label,
            row.map((e) => score(shape, moved, heads[b]!, relations[b]!, e)),
          ) /
            4
        );
      }, 0);
    expect(withThem.loss.soft! - without.loss.soft!).toBeCloseTo(unseen(tables), 4);
    const slopes = gradients(tables, (moved) => 0.7 * unseen(moved));
    expectAdded(withThem.byTable, without.byTable, slopes);
    expect(withThem.scaling).toEqual(without.scaling);
  });

  it("are refused where there are too few entities for their candidates", async () => {
    const junior = await lively({ model: "RotH", dim: 4, entities, relations: numRelations });
    const options = parse({ unseenQueries: 1, topK: 10 });
    expect(() => distillationObjective(junior, [teacher], options, prepareData(data))).toThrow(
      "lower topK or negatives",
    );
    junior.dispose();
  });

  it.each([
    ["a last batch that is smaller", { unseenQueries: 0.5 }],
    ["a last batch of one query, and few unseen ones", { unseenQueries: 0.1, batchSize: 2 * ring().train.length - 1 }],
  ])("trains to the end, with %s", async (_what, more) => {
    const options = { ...brief, negatives: 7, topK: 8, epochs: 2, ...more };
    const events = [];
    for await (const event of distil(options, { data: ring(), teachers: [teacher] })) events.push(event.type);
    expect(events.at(-1)).toBe("done");
  });

  it("goes with teachers that adapt, which are asked for none", async () => {
    const data = ring();
    const options = { ...brief, negatives: 7, topK: 8, epochs: 2, unseenQueries: 0.5, adaptFrom: 1 };
    const model = await createModel({
      model: "RotH",
      dim: 4,
      entities: data.entities.size,
      relations: data.relations.size,
    });
    const before = [...model.table("entity").data];
    await finish(distil(options, { data, teachers: [modelTeacher(model, "RotH")], adapting: [model] }));
    expect([...model.table("entity").data]).not.toEqual(before);
    model.dispose();
  });
});
