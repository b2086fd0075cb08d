import { type KgeModel, sharedKernels } from "@mulde/kge-models";
import { relationScaling, Senior, type Teacher } from "@mulde/senior";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { JuniorsBest } from "../../src/distillation/candidates.js";
import { SoftLabel } from "../../src/distillation/soft-label.js";
import { hardLabel } from "../../src/facts/hard-label.js";
import {
  type Batch,
  type CandidateSource,
  type Label,
  type LabelLoss,
  type MatrixStep,
  type QuerySource,
  type RowPlan,
  type ScoredBlock,
  ScoreMatrix,
} from "../../src/index.js";
import { widthOf } from "../../src/step/matrix.js";
import { dense, expectNear, lively, tablesOf } from "../_models.js";
import { gradients, score, type Tables } from "../_reference.js";

const shape = { model: "TransE", dim: 4 } as const;
const entities = 9;
const relations = 2;
const batch: Batch = {
  epoch: 1,
  step: 3,
  heads: Int32Array.of(0, 4, 8),
  relations: Int32Array.of(0, 3, 1),
  tails: Int32Array.of(3, 0, 4),
};
const asked: Batch = {
  epoch: 1,
  step: 3,
  heads: Int32Array.of(5, 6),
  relations: Int32Array.of(2, 2),
  tails: Int32Array.of(-1, -1),
};

/** Candidates (first + 2 b + k) mod N. */
function source(name: string, K: number, first: number): CandidateSource {
  return {
    name,
    K,
    fill({ queries, stride, candidates }) {
      queries.heads.forEach((_, b) => {
        for (let k = 0; k < K; k++) candidates[b * stride + k] = (first + 2 * b + k) % entities;
      });
    },
  };
}

/** A loss sum_bk g_bk s_bk with g_bk = scale (1 + b + k / 3), and what it saw. */
function linear(name: string, scale: number, part: keyof LabelLoss & ("hard" | "soft")) {
  const seen: { candidates: number[][]; scores: number[][]; heads: number[] }[] = [];
  const weight = (b: number, k: number): number => scale * (1 + b + k / 3);
  const rows = (array: Int32Array | Float32Array, { queries, K, stride }: ScoredBlock): number[][] =>
    Array.from(queries.heads, (_, b) => [...array.subarray(b * stride, b * stride + K)]);
  const label: Label = {
    name,
    learn(block) {
      const { queries, K, stride, gradient } = block;
      const scores = rows(block.scores, block);
      seen.push({ candidates: rows(block.candidates, block), scores, heads: [...queries.heads] });
      let loss = 0;
      scores.forEach((row, b) =>
        row.forEach((s, k) => {
          gradient[b * stride + k] = weight(b, k);
          loss += weight(b, k) * s;
        }),
      );
      expect(K).toBe(scores[0]!.length);
      return { [part]: loss };
    },
  };
  return { label, seen, weight };
}

const own: QuerySource = { name: "own", size: (B) => B - 1, draw: () => asked };

describe("a score matrix", () => {
  let model: KgeModel;
  beforeEach(async () => {
    model = await lively({ ...shape, entities, relations });
  });
  afterEach(() => model.dispose());

  it("scores all blocks in one pass, and adds up what their labels learn", async () => {
    const [a, b, c, d] = [
      linear("a", 0.1, "hard"),
      linear("b", 0.2, "soft"),
      linear("c", -0.3, "soft"),
      linear("d", 0.4, "hard"),
    ];
    const plans: RowPlan[] = [
      {
        blocks: [
          { source: source("first", 2, 0), labels: [a.label] },
          { source: source("second", 3, 5), labels: [b.label, c.label] },
        ],
      },
      { queries: own, blocks: [{ source: source("third", 5, 1), labels: [d.label] }] },
    ];
    expect(plans.map(widthOf)).toEqual([5, 5]);
    const matrix = new ScoreMatrix(model, 4, plans);
    const { loss, gradients: found } = await matrix.step(batch);

    const parts = [
      { ...a, queries: batch, K: 2, first: 0 },
      { ...b, queries: batch, K: 3, first: 5 },
      { ...c, queries: batch, K: 3, first: 5 },
      { ...d, queries: asked, K: 5, first: 1 },
    ];
    const ids = ({ queries, K, first }: (typeof parts)[0]): number[][] =>
      Array.from(queries.heads, (_, row) => Array.from({ length: K }, (__, k) => (first + 2 * row + k) % entities));
    const lossOf = (part: (typeof parts)[0], tables: Tables): number =>
      ids(part).reduce((sum, row, at) => {
        const [h, r] = [part.queries.heads[at]!, part.queries.relations[at]!];
        return sum + row.reduce((x, e, k) => x + part.weight(at, k) * score(shape, tables, h, r, e), 0);
      }, 0);
    const tables = tablesOf(model);
    for (const part of parts) {
      expect(part.seen).toHaveLength(1);
      const [{ candidates, scores, heads }] = part.seen as [(typeof part.seen)[0]];
      expect(heads).toEqual([...part.queries.heads]);
      expect(candidates).toEqual(ids(part));
      candidates.forEach((row, at) =>
        row.forEach((e, k) =>
          expect(scores[at]![k]).toBeCloseTo(
            score(shape, tables, part.queries.heads[at]!, part.queries.relations[at]!, e),
            4,
          ),
        ),
      );
    }
    const [ofA, ofB, ofC, ofD] = parts.map((part) => lossOf(part, tables)) as [number, number, number, number];
    expect(loss.hard).toBeCloseTo(ofA + ofD, 4);
    expect(loss.soft).toBeCloseTo(ofB + ofC, 4);
    expect([loss.senior, loss.attention]).toEqual([0, undefined]);
    const slopes = gradients(tables, (moved) => parts.reduce((sum, part) => sum + lossOf(part, moved), 0));
    for (const [name, gradient] of found) {
      const { rows, width } = model.table(name);
      expectNear(name, dense(gradient, rows, width), slopes[name]!);
    }
    matrix.dispose();
  });

  it("gives the same whatever the order of a block's labels", async () => {
    const step = async (order: (labels: Label[]) => Label[]): Promise<unknown> => {
      const labels = order([linear("a", 0.5, "hard").label, linear("b", -0.25, "soft").label]);
      const matrix = new ScoreMatrix(model, 4, [{ blocks: [{ source: source("all", 5, 2), labels }] }]);
      const { loss, gradients: found } = await matrix.step(batch);
      const tables = [...found].map(([name, { ids, count, values }]) => {
        const { width } = model.table(name);
        return [name, ids && [...ids.subarray(0, count)], [...values.subarray(0, count * width)]];
      });
      matrix.dispose();
      return { loss, tables };
    };
    expect(await step((labels) => labels.toReversed())).toEqual(await step((labels) => labels));
  });

  it("goes through a step's parts in their order: draw, fill, prepare, learn", async () => {
    const log: string[] = [];
    const noting = (name: string, K: number): RowPlan["blocks"][0] => ({
      source: {
        ...source(name, K, 0),
        fill(block) {
          log.push(`fill ${name}`);
          source(name, K, 0).fill(block);
        },
        dispose: () => void log.push(`dispose source ${name}`),
      },
      labels: [
        {
          name,
          async prepare({ candidates }, control) {
            await Promise.resolve();
            log.push(`prepare ${name} ${candidates.length} ${String(control?.signal?.aborted)}`);
          },
          learn({ gradient }) {
            log.push(`learn ${name}`);
            // A block of one candidate in each row.
            gradient[0] = 0;
            return { attention: [name.charCodeAt(0)] };
          },
          dispose: () => void log.push(`dispose label ${name}`),
        },
      ],
    });
    const queries: QuerySource = {
      ...own,
      draw(facts) {
        log.push(`draw beside ${facts.step}`);
        return asked;
      },
    };
    const matrix = new ScoreMatrix(model, 3, [
      { blocks: [noting("a", 1), noting("b", 2)] },
      { queries, blocks: [noting("c", 3)] },
    ]);
    const { signal } = new AbortController();
    const { loss } = await matrix.step(batch, { signal });
    // Blocks of three rows at a stride of three, and one of two rows.
    expect(log).toEqual([
      "draw beside 3",
      "fill a",
      "fill b",
      "fill c",
      "prepare a 7 false",
      "prepare b 8 false",
      "prepare c 6 false",
      "learn a",
      "learn b",
      "learn c",
    ]);
    expect(loss).toEqual({ hard: 0, soft: 0, senior: 0, attention: [97] });
    log.length = 0;
    matrix.dispose();
    expect(log.sort()).toEqual(
      ["a", "b", "c"].flatMap((name) => [`dispose label ${name}`, `dispose source ${name}`]).sort(),
    );
  });

  it("disposes a part once that stands in several places, and knows the state of all sources", () => {
    let disposed = 0;
    const dispose = (): void => {
      disposed++;
    };
    const shared: Label = { ...linear("shared", 1, "hard").label, dispose };
    const keeping = (name: string): CandidateSource => ({
      ...source(name, 2, 0),
      state: new Map([[name, Float32Array.of(1)]]),
      dispose,
    });
    const kept = keeping("a");
    const matrix = new ScoreMatrix(model, 3, [
      { blocks: [{ source: kept, labels: [shared] }] },
      { queries: own, blocks: [{ source: kept, labels: [shared] }] },
      { queries: { ...own, name: "other" }, blocks: [{ source: keeping("b"), labels: [shared] }] },
    ]);
    expect([...matrix.state.keys()]).toEqual(["a", "b"]);
    matrix.dispose();
    expect(disposed).toBe(3);
  });

  it("takes batches of any size up to the greatest", async () => {
    const matrix = new ScoreMatrix(model, 3, [{ blocks: [{ source: source("a", 2, 0), labels: [] }] }]);
    const { label, seen } = linear("a", 1, "hard");
    const both = new ScoreMatrix(model, 3, [{ blocks: [{ source: source("a", 2, 0), labels: [label] }] }]);
    for (const size of [3, 1, 2]) {
      const pick = (ids: Int32Array): Int32Array => ids.subarray(0, size);
      const part = { ...batch, heads: pick(batch.heads), relations: pick(batch.relations), tails: pick(batch.tails) };
      await both.step(part);
      expect(seen.at(-1)!.scores).toHaveLength(size);
      // Without labels nothing is learned.
      expect((await matrix.step(part)).loss).toEqual({ hard: 0, soft: 0, senior: 0 });
    }
    matrix.dispose();
    both.dispose();
  });
});

describe("soft labels of several queries in one step", () => {
  const teacher: Teacher = {
    name: "teacher",
    score(heads, rows, candidates, out) {
      const K = candidates.length / heads.length;
      candidates.forEach((e, at) => {
        const b = Math.floor(at / K);
        out[at] = 3 * Math.sin(1 + 7 * heads[b]! + 3 * rows[b]! + 2 * e);
      });
    },
  };

  it("do not depend on which of them learns first, nor do the Senior's gradients", async () => {
    const kernels = await sharedKernels();
    const model = await lively({ ...shape, entities, relations });
    const hard = { name: "bce", adversarial: 0, margin: 1, smoothing: 0 } as const;
    const step = async (order: (plans: RowPlan[]) => RowPlan[]) => {
      const scaling = relationScaling({ relations: 2 * relations, teachers: 1 });
      const senior = new Senior({ teachers: 1, relations: 2 * relations, kernels, scaling });
      const soft = (K: number, rest: object): SoftLabel =>
        new SoftLabel({ kernels, teachers: [teacher], senior, rules: [], rows: 4, K, weight: 0.5, ...rest });
      const facts: RowPlan = {
        blocks: [
          { source: source("facts", 2, 0), labels: [hardLabel(kernels, hard)] },
          { source: new JuniorsBest(model, 3), labels: [soft(3, {})] },
        ],
      };
      // As plausible queries are: the Senior does not learn from them.
      const beside: RowPlan = {
        queries: own,
        blocks: [{ source: new JuniorsBest(model, 5), labels: [soft(5, { share: 0.5, trainsSenior: false })] }],
      };
      const matrix = new ScoreMatrix(model, 4, order([facts, beside]));
      const { loss, gradients: found }: MatrixStep = await matrix.step(batch);
      const byTable = new Map(
        [...found].map(([name, gradient]) => {
          const { rows, width } = model.table(name);
          return [name, dense(gradient, rows, width)];
        }),
      );
      const ofSenior = senior.parameters().map(({ gradient }) => [...gradient]);
      matrix.dispose();
      return { loss, byTable, ofSenior };
    };
    const first = await step((plans) => plans);
    const second = await step((plans) => plans.toReversed());
    expect(first.ofSenior.flat().some((g) => g !== 0)).toBe(true);
    expect(second.ofSenior).toEqual(first.ofSenior);
    expect(second.loss.hard).toBe(first.loss.hard);
    expect(second.loss.senior).toBe(first.loss.senior);
    expect(second.loss.attention).toEqual(first.loss.attention);
    expect(second.loss.soft).toBeCloseTo(first.loss.soft, 12);
    // Sums over rows in another order.
    for (const [name, values] of first.byTable) expectNear(name, second.byTable.get(name)!, values);
    model.dispose();
  });
});
