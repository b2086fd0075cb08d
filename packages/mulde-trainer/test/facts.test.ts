import { AllPass, type KgeModel, sharedKernels } from "@mulde/kge-models";
import { describe, expect, it } from "vitest";
import { type Batch, seedOf } from "../src/data.js";
import { factsObjective } from "../src/facts.js";
import { parseOptions, type TrainInput, trainSchema } from "../src/index.js";
import { dense, expectNear, lively, tablesOf } from "./_models.js";
import { gradients, score, type Shape, softmax, softplus, type Tables } from "./_reference.js";

const entities = 9;
const relations = 2;
const batch: Batch = {
  epoch: 1,
  step: 3,
  // A head twice, a head that is a tail, and reciprocal relations.
  heads: Int32Array.of(0, 4, 4, 8, 2),
  relations: Int32Array.of(0, 1, 3, 2, 2),
  tails: Int32Array.of(3, 0, 4, 7, 3),
};
const B = batch.heads.length;
const negatives = 6;
const seed = 11;

/** The candidates of the step: those of the documented random stream, -1. */
async function candidates(batchSize: number): Promise<number[][]> {
  const kernels = await sharedKernels();
  const ids = new Int32Array(B * (1 + negatives));
  const counter = batch.step * batchSize * negatives;
  kernels.sampleCandidates({ batch: B, negatives, entities, seed: seedOf(seed, -1), counter }, batch.tails, ids);
  return Array.from({ length: B }, (_, b) => [...ids.subarray(b * (1 + negatives), (b + 1) * (1 + negatives))]);
}

function scores(shape: Shape, tables: Tables, ids: readonly (readonly number[])[]): number[][] {
  return ids.map((row, b) => row.map((e) => score(shape, tables, batch.heads[b]!, batch.relations[b]!, e)));
}

async function check(
  input: TrainInput,
  model: KgeModel,
  loss: (tables: Tables, base: Tables) => number,
): Promise<void> {
  const objective = factsObjective(model, parseOptions(trainSchema, input, "test"));
  const tables = tablesOf(model);
  const result = await objective.step(batch);
  expect(result.loss.total).toBe(result.loss.hard);
  expect(result.loss.soft).toBeUndefined();
  expect(result.loss.total).toBeCloseTo(loss(tables, tables), 5);
  const expected = gradients(tables, (moved) => loss(moved, tables));
  expect([...result.gradients.keys()].sort()).toEqual(Object.keys(expected).sort());
  for (const [name, gradient] of result.gradients) {
    const { rows, width } = model.table(name);
    expectNear(name, dense(gradient, rows, width), expected[name]!);
  }
  expect(objective.extra).toEqual([]);
  objective.dispose();
  model.dispose();
}

describe.each([
  ["RotH", "shared"],
  ["RotH", "relation"],
  ["TransE", "shared"],
] as const)("learning from facts, %s with %s curvature", (kind, curvature) => {
  const shape: Shape = { model: kind, dim: 4 };
  const base = { ...shape, curvature, seed, negatives, batchSize: 8 };
  const make = (): Promise<KgeModel> => lively({ ...shape, curvature, entities, relations });

  it("bce is the mean over B (1 + n), with its gradients by every table", async () => {
    const ids = await candidates(base.batchSize);
    await check({ ...base, loss: "bce" }, await make(), (tables) => {
      const terms = scores(shape, tables, ids).flatMap((row) => row.map((s, k) => softplus(k === 0 ? -s : s)));
      return terms.reduce((a, b) => a + b) / terms.length;
    });
  });

  it("adversarial weights are the softmax of the negatives, held fixed, each side one half", async () => {
    const adversarial = 1.5;
    const ids = await candidates(base.batchSize);
    await check({ ...base, loss: "bce", adversarial }, await make(), (tables, fixed) => {
      const now = scores(shape, tables, ids);
      const weights = scores(shape, fixed, ids).map((row) => softmax(row.slice(1).map((s) => adversarial * s)));
      return now.reduce((sum, row, b) => {
        const negative = row.slice(1).reduce((part, s, k) => part + weights[b]![k]! * softplus(s), 0);
        return sum + (softplus(-row[0]!) + negative) / (2 * B);
      }, 0);
    });
  });

  it("crossEntropy is the softmax over the candidates", async () => {
    const ids = await candidates(base.batchSize);
    await check({ ...base, loss: "crossEntropy" }, await make(), (tables) => {
      const rows = scores(shape, tables, ids);
      return rows.reduce((sum, row) => sum - Math.log(softmax(row)[0]!) / B, 0);
    });
  });

  it("1vsAll is the softmax over all entities", async () => {
    const all = Array.from({ length: B }, () => Array.from({ length: entities }, (_, e) => e));
    await check({ ...base, loss: "1vsAll" }, await make(), (tables) => {
      const rows = scores(shape, tables, all);
      return rows.reduce((sum, row, b) => sum - Math.log(softmax(row)[batch.tails[b]!]!) / B, 0);
    });
  });
});

it("the 1vsAll pass agrees with the candidate losses' step on which tables it trains", async () => {
  const model = await lively({ model: "RotH", dim: 4, entities, relations });
  const pass = new AllPass(model, B);
  const { gradients: all } = pass.crossEntropy(batch.heads, batch.relations, batch.tails);
  expect([...all.keys()].sort()).toEqual([...model.tables.keys()].sort());
  pass.dispose();
  model.dispose();
});
