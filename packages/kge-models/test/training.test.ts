import { describe, expect, it } from "vitest";
import { AllPass, CandidatePass, createModel, type KgeModel, type ModelGradients } from "../src/index.js";
import "./_backends.js";
import { builtIns, isHyperbolic } from "./_passes.js";

// Four children and their two parents, asked in both directions: (child, 0, parent), (parent, 1, child).
const heads = Int32Array.of(0, 1, 2, 3, 4, 4, 5, 5);
const relations = Int32Array.of(0, 0, 0, 0, 1, 1, 1, 1);
const tails = Int32Array.of(4, 4, 5, 5, 0, 1, 2, 3);
const entities = 6;
const everyone = Int32Array.from({ length: heads.length * entities }, (_, i) => i % entities);

/** One step of Adagrad on every table. */
function descend(model: KgeModel, gradients: ModelGradients, sums: Map<string, Float64Array>): void {
  for (const [name, { ids, count, values }] of gradients) {
    const { data, width } = model.table(name);
    const sum = sums.get(name) ?? new Float64Array(data.length);
    sums.set(name, sum);
    for (let i = 0; i < count * width; i++) {
      const at = ids ? ids[Math.floor(i / width)]! * width + (i % width) : i;
      sum[at]! += values[i]! ** 2;
      if (sum[at]! > 0) data[at]! -= (0.1 * values[i]!) / Math.sqrt(sum[at]!);
    }
  }
  model.touch();
}

/** The children know their parents, and the parents' two best are their children. */
function expectKnown(model: KgeModel): void {
  const up = model.topK({ heads: heads.slice(0, 4), relations: relations.slice(0, 4) }, 1);
  expect([...up.ids]).toEqual([4, 4, 5, 5]);
  const down = model.topK({ heads: Int32Array.of(4, 5), relations: Int32Array.of(1, 1) }, 2);
  expect([...down.ids.subarray(0, 2)].sort()).toEqual([0, 1]);
  expect([...down.ids.subarray(2)].sort()).toEqual([2, 3]);
}

describe.each(builtIns)("%s", (name) => {
  it("learns a family from its initial values, by the softmax over all entities", async () => {
    for (const curvature of isHyperbolic(name) ? (["shared", "relation"] as const) : (["shared"] as const)) {
      const model = await createModel({ model: name, dim: 8, entities, relations: 1, curvature, seed: 1 });
      const pass = new AllPass(model, heads.length);
      const sums = new Map<string, Float64Array>();
      const losses: number[] = [];
      for (let step = 0; step < 150; step++) {
        const { loss, gradients } = pass.crossEntropy(heads, relations, tails);
        losses.push(loss);
        descend(model, gradients, sums);
      }
      expect(losses[0]).toBeCloseTo(Math.log(entities), 1);
      // Half of the queries have two answers, with a loss of log 2 at best.
      expect(losses.at(-1)).toBeLessThan(0.5 * Math.log(2) + 0.15);
      expectKnown(model);
    }
  });

  it("learns it by binary cross-entropy over candidates", async () => {
    const model = await createModel({ model: name, dim: 8, entities, relations: 1, seed: 2 });
    const pass = new CandidatePass(model, heads.length, entities);
    const sums = new Map<string, Float64Array>();
    const known = new Set([...heads].map((h, b) => `${h} ${relations[b]} ${tails[b]}`));
    const losses: number[] = [];
    for (let step = 0; step < 150; step++) {
      const scores = pass.forward(heads, relations, everyone);
      let loss = 0;
      const gradient = scores.map((score, at) => {
        const b = Math.floor(at / entities);
        const label = known.has(`${heads[b]} ${relations[b]} ${everyone[at]}`) ? 1 : 0;
        loss += (Math.max(score, 0) + Math.log1p(Math.exp(-Math.abs(score))) - label * score) / scores.length;
        return 1 / (1 + Math.exp(-score)) - label;
      });
      losses.push(loss);
      descend(model, pass.backward(gradient), sums);
    }
    expect(losses.at(-1)).toBeLessThan(0.5 * losses[0]!);
    expectKnown(model);
  });
});
