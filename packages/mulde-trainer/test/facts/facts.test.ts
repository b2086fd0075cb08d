import { AllPass, type KgeModel, sharedKernels } from "@mulde/kge-models";
import { type AnswerIndex, indexAnswers, type TripleList, tripleList } from "@mulde/datasets";
import { describe, expect, it } from "vitest";
import { factsObjective } from "../../src/facts/facts.js";
import { type Batch, parseOptions, type TrainInput, trainSchema } from "../../src/index.js";
import { streamSeed } from "../../src/run/streams.js";
import { changed } from "../_planted.js";
import { dense, expectNear, lively, tablesOf } from "../_models.js";
import { gradients, score, type Shape, softmax, softplus, type Tables } from "../_reference.js";

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
const batchSize = 8;
const seed = 11;

// What the training split knows beside the batch: more answers of its first and last query.
const triples = tripleList(
  Int32Array.of(0, 4, 4, 8, 2, 0, 2),
  Int32Array.of(0, 1, 3, 2, 2, 0, 2),
  Int32Array.of(3, 0, 4, 7, 3, 5, 8),
);
const known = { answers: () => indexQueries(triples), queries: triples };
// Relation ids of reciprocals stand in the batch: for the index they are relations like others.
const indexQueries = (list: TripleList): AnswerIndex => indexAnswers(entities, 2 * relations, list);

/** The candidates of the step: those of the random stream "negatives". */
async function candidates(): Promise<number[][]> {
  const kernels = await sharedKernels();
  const ids = new Int32Array(B * (1 + negatives));
  const counter = batch.step * batchSize * negatives;
  kernels.sampleCandidates(
    { batch: B, negatives, entities, seed: streamSeed(seed, "negatives"), counter },
    batch.tails,
    ids,
  );
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
  const objective = factsObjective(
    model,
    parseOptions(trainSchema, changed(input, { loss: { adversarial: 0 } })),
    known,
  );
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
  const base: TrainInput = { model: { name: kind, dim: 4, curvature }, seed, negatives, batchSize };
  const make = (): Promise<KgeModel> => lively({ ...shape, curvature, entities, relations });
  const all = Array.from({ length: B }, () => Array.from({ length: entities }, (_, e) => e));

  it("bce is the mean over B (1 + n), with its gradients by every table", async () => {
    const ids = await candidates();
    await check({ ...base, loss: "bce" }, await make(), (tables) => {
      const terms = scores(shape, tables, ids).flatMap((row) => row.map((s, k) => softplus(k === 0 ? -s : s)));
      return terms.reduce((a, b) => a + b) / terms.length;
    });
  });

  it("adversarial weights are the softmax of the negatives, held fixed, each side one half", async () => {
    const adversarial = 1.5;
    const ids = await candidates();
    await check({ ...base, loss: { name: "bce", adversarial } }, await make(), (tables, fixed) => {
      const now = scores(shape, tables, ids);
      const weights = scores(shape, fixed, ids).map((row) => softmax(row.slice(1).map((s) => adversarial * s)));
      return now.reduce((sum, row, b) => {
        const negative = row.slice(1).reduce((part, s, k) => part + weights[b]![k]! * softplus(s), 0);
        return sum + (softplus(-row[0]!) + negative) / (2 * B);
      }, 0);
    });
  });

  it("crossEntropy is the softmax over the candidates", async () => {
    const ids = await candidates();
    await check({ ...base, loss: "crossEntropy" }, await make(), (tables) => {
      const rows = scores(shape, tables, ids);
      return rows.reduce((sum, row) => sum - Math.log(softmax(row)[0]!) / B, 0);
    });
  });

  it("1vsAll is the softmax over all entities", async () => {
    await check({ ...base, loss: "1vsAll" }, await make(), (tables) => {
      const rows = scores(shape, tables, all);
      return rows.reduce((sum, row, b) => sum - Math.log(softmax(row)[batch.tails[b]!]!) / B, 0);
    });
  });

  it("1vsAll with label smoothing spreads a part of the label", async () => {
    const smoothing = 0.2;
    await check({ ...base, loss: { name: "1vsAll", smoothing } }, await make(), (tables) =>
      scores(shape, tables, all).reduce((sum, row, b) => {
        const logs = softmax(row).map(Math.log);
        const y = logs.map((_, e) => smoothing / entities + (e === batch.tails[b] ? 1 - smoothing : 0));
        return sum - logs.reduce((part, log, e) => part + y[e]! * log, 0) / B;
      }, 0),
    );
  });

  it("KvsAllSoftmax is the softmax over all entities with every known answer true", async () => {
    await check({ ...base, loss: "KvsAllSoftmax" }, await make(), (tables) =>
      scores(shape, tables, all).reduce((sum, row, b) => {
        const own = known.answers().answers(batch.heads[b]!, batch.relations[b]!);
        const logs = softmax(row).map(Math.log);
        return sum - own.reduce((part, e) => part + logs[e]!, 0) / own.length / B;
      }, 0),
    );
  });

  it.each([0, 0.1])("KvsAll is the binary cross-entropy of all entities, label smoothing %d", async (smoothing) => {
    await check({ ...base, loss: { name: "KvsAll", smoothing } }, await make(), (tables) =>
      scores(shape, tables, all).reduce((sum, row, b) => {
        const own = known.answers().answers(batch.heads[b]!, batch.relations[b]!);
        const y = row.map((_, e) => smoothing / entities + (own.includes(e) ? 1 - smoothing : 0));
        return sum + row.reduce((part, s, e) => part + softplus(s) - y[e]! * s, 0) / (B * entities);
      }, 0),
    );
  });

  it.each([0, 1.5])("margin ranking sums what negatives lack, adversarial %d", async (adversarial) => {
    const ids = await candidates();
    const margin = 1.3;
    await check({ ...base, loss: { name: "margin", margin, adversarial } }, await make(), (tables, fixed) => {
      const weights = scores(shape, fixed, ids).map((row) => softmax(row.slice(1).map((s) => adversarial * s)));
      return scores(shape, tables, ids).reduce((sum, [positive, ...rest], b) => {
        const short = rest.map((s, k) => weights[b]![k]! * Math.max(0, margin - positive! + s));
        return sum + short.reduce((x, y) => x + y) / B;
      }, 0);
    });
  });

  it.each(["F2", "N3"] as const)("%s penalises the rows of the batch's triples", async (name) => {
    const weight = 0.3;
    const ids = await candidates();
    const model = await make();
    const power = name === "N3" ? 3 : 2;
    const sized = Object.keys(model.definition.tables).filter((table) => table !== "rotation");
    const penalty = (tables: Tables, table: string, rows: Int32Array): number =>
      [...rows].reduce((sum, row) => {
        const values = tables[table]!.slice(row * shape.dim, (row + 1) * shape.dim);
        return sum + values.reduce((part, x) => part + Math.abs(x) ** power, 0);
      }, 0) / B;
    await check({ ...base, regularizer: { name, weight } }, model, (tables) => {
      const terms = scores(shape, tables, ids).flatMap((row) => row.map((s, k) => softplus(k === 0 ? -s : s)));
      const facts = terms.reduce((a, b) => a + b) / terms.length;
      const entity = penalty(tables, "entity", batch.heads) + penalty(tables, "entity", batch.tails);
      const relation = sized.reduce((sum, table) => sum + penalty(tables, table, batch.relations), 0);
      return facts + weight * (entity + relation);
    });
  });
});

describe("DURA", () => {
  it("penalises queries and tails", async () => {
    const shape: Shape = { model: "TransE", dim: 4 };
    const ids = await candidates();
    const weight = 0.3;
    const model = { name: "TransE", dim: 4 };
    const input: TrainInput = { model, seed, negatives, batchSize, regularizer: { name: "DURA", weight } };
    await check(input, await lively({ ...shape, entities, relations }), (tables) => {
      const terms = scores(shape, tables, ids).flatMap((row) => row.map((s, k) => softplus(k === 0 ? -s : s)));
      const row = (table: string, id: number): number[] => tables[table]!.slice(id * 4, (id + 1) * 4);
      const squares = [...batch.heads].map((h, b) => {
        const relation = row("relation", batch.relations[b]!);
        const query = row("entity", h).reduce((sum, x, i) => sum + (x + relation[i]!) ** 2, 0);
        return query + row("entity", batch.tails[b]!).reduce((sum, x) => sum + x * x, 0);
      });
      const penalty = squares.reduce((a, b) => a + b) / B;
      return terms.reduce((a, b) => a + b) / terms.length + weight * penalty;
    });
  });

  it("is refused for a hyperbolic model, whatever the options call it", async () => {
    const model = await lively({ model: "RotH", dim: 4, entities, relations });
    const options = parseOptions(trainSchema, { model: { name: "TransE", dim: 4 }, regularizer: "DURA" });
    expect(() => factsObjective(model, options, known)).toThrow(/RotH is hyperbolic; choose N3 or F2/);
    model.dispose();
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
