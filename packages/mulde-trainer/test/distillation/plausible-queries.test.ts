import { tripleList, withReciprocals } from "@mulde/datasets";
import { createModel, modelTeacher } from "@mulde/kge-models";
import type { Teacher } from "@mulde/senior";
import { describe, expect, it } from "vitest";
import { distillationObjective } from "../../src/distillation/distillation.js";
import { PlausibleQueries } from "../../src/distillation/plausible-queries.js";
import { distil, type DistilInput, distilSchema, parseOptions, prepareData } from "../../src/index.js";
import { dense, expectAdded, lively, tablesOf } from "../_models.js";
import { changed, ring } from "../_planted.js";
import { eventsOf, failure } from "../_runs.js";
import { gradients, kl, score, type Tables } from "../_reference.js";

// Three people (0, 1, 2) have an employer (3 or 4) by relation 0, two of them an instrument (5) by relation 1; relation 2 joins instruments.
const facts = tripleList(
  Int32Array.of(0, 1, 2, 0, 1, 5),
  Int32Array.of(0, 0, 0, 1, 1, 2),
  Int32Array.of(3, 3, 4, 5, 5, 6),
);
const queries = withReciprocals(facts, 3);

describe("plausible queries", () => {
  const draws = (seed: number, step: number): string[] => {
    const none = new Int32Array(4);
    const source = new PlausibleQueries(queries, 100, seed);
    const { heads, relations, tails } = source.draw({ epoch: 0, step, heads: none, relations: none, tails: none });
    expect(tails.every((tail) => tail === -1)).toBe(true);
    expect(heads).toHaveLength(source.size(4));
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

describe("a distillation step with plausible queries", () => {
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
  const seed = 9;
  const base: DistilInput = {
    seed,
    batchSize: 4,
    model: { dim: 4 },
    negatives: 3,
    soft: { candidates: 4, weight: 0.7 },
  };
  const parse = (more: DistilInput) => parseOptions(distilSchema, changed(more, base));
  const batch = { epoch: 0, step: 2, heads: train.heads, relations: train.relations, tails: train.tails };

  it("adds the soft label of their 1 + n + K best, and leaves the Senior as it is", async () => {
    const shape = { model: "RotH", dim: 4 } as const;
    const results = [];
    for (const asked of [0, 1.5]) {
      const junior = await lively({ ...shape, entities, relations: numRelations });
      const objective = distillationObjective(
        junior,
        [teacher],
        parse({ soft: { queries: asked } }),
        prepareData(data),
      );
      const { loss, gradients: found } = await objective.step(batch);
      const tables = [...junior.tables.values()];
      const byTable = new Map(tables.map(({ name, rows, width }) => [name, dense(found.get(name)!, rows, width)]));
      results.push({ loss, byTable, scaling: [...found.get("senior.scaling")!.values], tables: tablesOf(junior) });
      objective.dispose();
      junior.dispose();
    }
    const [without, withThem] = results as [(typeof results)[0], (typeof results)[0]];
    const { heads, relations } = new PlausibleQueries(prepareData(data).queries, 1.5, seed).draw(batch);
    expect(heads).toHaveLength(6);
    const { tables } = without;
    const best = Array.from(heads, (h, b) =>
      Array.from({ length: entities }, (_, e) => e)
        .sort((x, y) => score(shape, tables, h, relations[b]!, y) - score(shape, tables, h, relations[b]!, x))
        .slice(0, 8),
    );
    const gate = 1 / (1 + Math.exp(-1));
    const plausible = (moved: Tables): number =>
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
    expect(withThem.loss.soft! - without.loss.soft!).toBeCloseTo(plausible(tables), 4);
    const slopes = gradients(tables, (moved) => 0.7 * plausible(moved));
    expectAdded(withThem.byTable, without.byTable, slopes);
    expect(withThem.scaling).toEqual(without.scaling);
  });

  it("are refused where there are too few entities for their candidates", async () => {
    const junior = await lively({ model: "RotH", dim: 4, entities, relations: numRelations });
    const options = parse({ soft: { queries: 1, candidates: 10 } });
    const refused = [
      failure(() => distillationObjective(junior, [teacher], options, prepareData(data))),
      failure(() => distil(options, { data, teachers: [teacher] })),
    ];
    for (const error of refused) {
      expect(error).toMatchObject({ code: "TRAINER_OPTION", path: ["soft", "queries"] });
      expect(error.reason).toContain("compares 1 + negatives.count + soft.candidates.k = 14 candidates");
    }
    junior.dispose();
  });

  it.each([
    ["a last batch that is smaller", 0.5, 32, 10],
    ["a last batch of one query, and few plausible ones", 0.1, 2 * ring().train.length - 1, 4],
  ])("trains to the end, with %s", async (_what, asked, batchSize, steps) => {
    const options = changed({ epochs: 2, batchSize, negatives: 7, soft: { candidates: 8, queries: asked } });
    const events = await eventsOf(distil(options, { data: ring(), teachers: [teacher] }));
    expect(events.at(-1)).toMatchObject({ type: "done", result: { steps } });
  });

  it("goes with teachers that adapt, which are asked for none", async () => {
    const data = ring();
    const options = changed({ epochs: 2, negatives: 7, soft: { candidates: 8, queries: 0.5, adaptFrom: 1 } });
    const model = await createModel({
      model: "RotH",
      dim: 4,
      entities: data.entities.size,
      relations: data.relations.size,
    });
    const before = [...model.table("entity").data];
    await distil(options, { data, teachers: [modelTeacher(model, "RotH")], adapting: [model] }).result;
    expect([...model.table("entity").data]).not.toEqual(before);
    model.dispose();
  });
});
