import { tripleList } from "@mulde/datasets";
import { type KgeModel, sharedKernels } from "@mulde/kge-models";
import type { Teacher } from "@mulde/senior";
import { describe, expect, it } from "vitest";
import { distillationObjective } from "../../src/distillation/distillation.js";
import { bothEndsPlan } from "../../src/facts/both-ends.js";
import { prepareData } from "../../src/facts/data.js";
import { factsObjective } from "../../src/facts/facts.js";
import {
  type Batch,
  distil,
  type DistilInput,
  distilSchema,
  parseOptions,
  type TrainInput,
  trainSchema,
} from "../../src/index.js";
import type { Objective } from "../../src/run/objective.js";
import { streamAt, streamSeed } from "../../src/run/streams.js";
import { dense, expectAdded, lively, tablesOf } from "../_models.js";
import { changed, ring } from "../_planted.js";
import { eventsOf } from "../_runs.js";
import { gradients, score, softmax, softplus, type Tables } from "../_reference.js";

const entities = 12;
const relations = 2;
const facts = tripleList(Int32Array.of(0, 4, 4, 11), Int32Array.of(0, 1, 1, 0), Int32Array.of(3, 0, 2, 7));
const data = { entities: { size: entities }, relations: { size: relations }, train: facts, valid: facts, test: facts };
const batch: Batch = {
  epoch: 0,
  step: 2,
  heads: facts.heads,
  relations: Int32Array.of(0, 1, 3, 2),
  tails: facts.tails,
};
const B = 4;
const shape = { model: "RotH", dim: 4 } as const;
const seed = 9;
const batchSize = 5;
const base: TrainInput = {
  seed,
  batchSize,
  model: { name: "RotH", dim: 4 },
  negatives: { count: 3 },
  loss: { adversarial: 0 },
};
const parse = (more: DistilInput) => parseOptions(trainSchema, changed(more, base));
const make = (): Promise<KgeModel> => lively({ ...shape, entities, relations });

/** What a step adds for its negatives with both ends random: the loss, and the gradients of every table. */
async function added(objective: (model: KgeModel, bothEnds: number) => Objective) {
  const parts = [];
  for (const bothEnds of [0, 2]) {
    const model = await make();
    const built = objective(model, bothEnds);
    const { loss, gradients: found } = await built.step(batch);
    const tables = [...model.tables.values()];
    const byTable = new Map(tables.map(({ name, rows, width }) => [name, dense(found.get(name)!, rows, width)]));
    parts.push({ loss, byTable, tables: tablesOf(model) });
    built.dispose();
    model.dispose();
  }
  return parts as [(typeof parts)[0], (typeof parts)[0]];
}

/** The rows of the step: 2 times 4 negatives for each query, K - 1 in a row of one random head, from the run's stream "bothEnds". */
async function rowsOf(K: number): Promise<{ h: number; r: number; tails: number[] }[]> {
  const kernels = await sharedKernels();
  const rows = (queries: number): number => Math.ceil((queries * 2 * 4) / (K - 1));
  const random = streamAt(seed, "bothEnds", batch.step);
  const heads = Array.from({ length: rows(B) }, () => Math.floor(random.uniform() * entities));
  const candidates = new Int32Array(heads.length * K);
  const counter = batch.step * rows(batchSize) * K;
  const draw = { batch: heads.length, negatives: K - 1, entities, seed: streamSeed(seed, "bothEnds"), counter };
  kernels.sampleCandidates(draw, Int32Array.from(heads), candidates);
  return heads.map((h, i) => ({
    h,
    r: batch.relations[i % B]!,
    tails: [...candidates.subarray(i * K + 1, (i + 1) * K)],
  }));
}

describe("negatives with both ends random", () => {
  it("have random heads and tails and the relations of the batch, in another way at every step", async () => {
    const kernels = await sharedKernels();
    const K = 9;
    const { queries: source, blocks } = bothEndsPlan(kernels, entities, parse({ negatives: { bothEnds: 40 } }), K);
    // 4 queries with 40 times 4 negatives each, 8 in a row.
    expect(source!.size(B)).toBe(80);
    const draw = (step: number) => {
      const queries = source!.draw({ ...batch, step });
      const candidates = new Int32Array(80 * K);
      blocks[0]!.source.fill({ queries, K, stride: K, candidates });
      expect([...queries.tails]).toEqual(new Array(80).fill(-1));
      return {
        heads: [...queries.heads],
        rs: [...queries.relations],
        tails: [...candidates].filter((_, i) => i % K > 0),
      };
    };
    const [first, again, next] = [draw(1), draw(1), draw(2)];
    const every = Array.from({ length: entities }, (_, e) => e);
    expect([...new Set(first.heads)].sort((a, b) => a - b)).toEqual(every);
    expect([...new Set(first.tails)].sort((a, b) => a - b)).toEqual(every);
    expect([...new Set(first.rs)].sort()).toEqual([0, 1, 2, 3]);
    expect(again).toEqual(first);
    expect(next.heads).not.toEqual(first.heads);
    expect(next.tails).not.toEqual(first.tails);
  });

  it.each([0, 1.5])("weigh as much as other negatives, with self-adversarial temperature %d", async (adversarial) => {
    const [without, withThem] = await added((model, bothEnds) =>
      factsObjective(model, parse({ loss: { adversarial }, negatives: { bothEnds } }), prepareData(data)),
    );
    const rows = await rowsOf(4);
    // Twice 4 negatives for each of 4 queries, 3 in a row.
    expect(rows).toHaveLength(11);
    const loss = (moved: Tables, fixed: Tables): number =>
      rows.reduce((sum, { h, r, tails }) => {
        const now = tails.map((t) => softplus(score(shape, moved, h, r, t)));
        const weights = softmax(tails.map((t) => adversarial * score(shape, fixed, h, r, t)));
        const row = now.reduce((part, x, i) => part + x * (adversarial > 0 ? weights[i]! : 1), 0);
        return sum + row * (adversarial > 0 ? 2 / (2 * rows.length) : 1 / (B * 4));
      }, 0);
    const { tables } = without;
    expect(withThem.loss.hard - without.loss.hard).toBeCloseTo(loss(tables, tables), 5);
    const slopes = gradients(tables, (moved) => loss(moved, tables));
    expectAdded(withThem.byTable, without.byTable, slopes);
  });

  it("stand below both labels' candidates in distillation, as many as without", async () => {
    const teacher: Teacher = {
      name: "teacher",
      score: (heads, _, candidates, out) => candidates.forEach((e, at) => (out[at] = Math.sin(e + heads[0]!))),
    };
    const [without, withThem] = await added((model, bothEnds) => {
      const options = changed({ soft: { candidates: 4 }, negatives: { bothEnds } }, base);
      return distillationObjective(model, [teacher], parseOptions(distilSchema, options), prepareData(data));
    });
    const rows = await rowsOf(8);
    expect(rows).toHaveLength(5);
    const loss = (tables: Tables): number =>
      rows.reduce(
        (sum, { h, r, tails }) =>
          sum + tails.reduce((part, t) => part + softplus(score(shape, tables, h, r, t)), 0) / (B * 4),
        0,
      );
    const { tables } = without;
    expect(withThem.loss.hard - without.loss.hard).toBeCloseTo(loss(tables), 5);
    expect(withThem.loss.soft).toBeCloseTo(without.loss.soft!, 6);
    const slopes = gradients(tables, loss);
    expectAdded(withThem.byTable, without.byTable, slopes);
  });

  it("go with a last batch of one query and with queries that have a soft label alone", async () => {
    const all = ring();
    const options = changed({
      epochs: 2,
      negatives: { count: 7, bothEnds: 0.1 },
      soft: { candidates: 8, queries: 0.5 },
      batchSize: 2 * all.train.length - 1,
    });
    const teacher: Teacher = { name: "teacher", score: (_, __, candidates, out) => out.set(candidates) };
    const events = await eventsOf(distil(options, { data: all, teachers: [teacher] }));
    expect(events.at(-1)).toMatchObject({ type: "done", result: { steps: 4 } });
  });

  it("have no part in DURA, which is of the true triples", async () => {
    const penalty = async (bothEnds: number): Promise<number> => {
      const losses = [];
      for (const weight of [0, 0.3]) {
        const model = await lively({ model: "TransE", dim: 4, entities, relations });
        const own = { model: "TransE", regularizer: { name: "DURA", weight }, negatives: { bothEnds } } as const;
        const objective = factsObjective(model, parse(own), prepareData(data));
        losses.push((await objective.step(batch)).loss.total);
        objective.dispose();
        model.dispose();
      }
      return losses[1]! - losses[0]!;
    };
    expect(await penalty(2)).toBeCloseTo(await penalty(0), 5);
  });
});
