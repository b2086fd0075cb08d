import { describe, expect, it } from "vitest";
import { Kernels, Random } from "../src/index.js";
import type { PointTable, QueryBatch, MuldeError } from "../src/index.js";
import { cached } from "./_batches.js";
import { counting } from "./_counting.js";
import { onEveryEngine } from "./_engines.js";
import {
  copy,
  encodeQueries,
  entityPoints,
  ints,
  query,
  randomModel,
  scoreOf,
  scoreTolerance,
  tables,
} from "./_model.js";
import type { Model } from "./_model.js";
import { rank, topK } from "./_reference.js";

const similarities = [
  ["TransE", "dot"],
  ["RotE", "euclidean"],
  ["RefH", "hyperbolic"],
  ["RotH", "relationHyperbolic"],
] as const;

interface Setting {
  readonly model: Model;
  readonly heads: Int32Array;
  readonly relations: Int32Array;
  readonly queries: QueryBatch;
  readonly points: PointTable;
}

function setting(k: Kernels, model: Model, B: number): Setting {
  const random = new Random(B);
  const heads = ints(
    k,
    Array.from({ length: B }, () => random.uint32() % model.entities),
  );
  const relations = ints(
    k,
    Array.from({ length: B }, () => random.uint32() % model.relations),
  );
  const t = tables(k, model);
  return {
    model,
    heads,
    relations,
    queries: encodeQueries(k, model, t, heads, relations),
    points: entityPoints(k, model, t, null, true),
  };
}

function scoreAll(k: Kernels, { model, queries, points }: Setting): Float32Array {
  const scores = k.engine.float32(queries.size * model.entities);
  k.scoreAll(model.similarity, queries, points, scores);
  return scores;
}

const expectedScores = cached<{ readonly values: Float64Array; readonly tolerances: Float64Array }>();

/** Checks scoreAll and candidates against the reference, and so against each other. */
function checkScores(k: Kernels, s: Setting, key: string): void {
  const { model, heads, relations } = s;
  const N = model.entities;
  const expected = expectedScores(key, () => {
    const values = new Float64Array(heads.length * N);
    const tolerances = new Float64Array(heads.length * N);
    heads.forEach((h, b) => {
      const r = relations[b]!;
      const q = query(model, h, r);
      for (let e = 0; e < N; e++) {
        values[b * N + e] = scoreOf(model, q, h, r, e);
        tolerances[b * N + e] = scoreTolerance(model, q, r, e, true, values[b * N + e]!);
      }
    });
    return { values, tolerances };
  });
  const all = scoreAll(k, s);
  const some = k.engine.float32(heads.length * N);
  k.candidates(
    model.similarity,
    s.queries,
    s.points,
    ints(
      k,
      Array.from(some, (_, i) => i % N),
    ),
    N,
    some,
  );
  let worst = 0;
  expected.values.forEach((value, i) => {
    for (const scores of [all, some]) {
      const error = Math.abs(scores[i]! - value) / expected.tolerances[i]!;
      worst = Math.max(worst, Number.isNaN(error) ? Infinity : error);
    }
  });
  expect(worst).toBeLessThan(1);
}

const base = { relations: 5, curvature: 1, radius: 1.5, seed: 3 };

onEveryEngine((kernels) => {
  describe.each(similarities)("%s, %s", (encoder, similarity) => {
    const random = (shape: Partial<Model>) =>
      randomModel({ ...base, dim: 8, entities: 400, encoder, similarity, ...shape });

    it.each([
      [1, 1, 2, 1],
      [3, 47, 10, 10],
      [17, 49, 64, 0.1],
      [65, 400, 6, 1e-3],
      [70, 1000, 32, 2],
    ])(
      "scoreAll and candidates agree with the reference for B = %i, N = %i, d = %i, c = %d",
      (B, entities, dim, curvature) => {
        const k = kernels();
        const s = setting(k, random({ entities, dim, curvature }), B);
        checkScores(k, s, JSON.stringify([similarity, B, entities]));
      },
    );

    it("scoreAll stays accurate for pairs that nearly coincide, also at the boundary", () => {
      const k = kernels();
      for (const radius of [0.5, 3, 7]) {
        const model = random({ entities: 60, radius });
        // With translations this small, a query nearly equals its head or its mirror image.
        for (const table of [model.tables.relation, model.tables.innerTranslation]) {
          table.forEach((value, i) => (table[i] = Math.fround(1e-4 * value)));
        }
        model.tables.rotation.forEach((_, i, all) => (all[i] = 1 - (i % 2)));
        model.tables.reflection.forEach((_, i, all) => (all[i] = 1 - (i % 2)));
        checkScores(k, setting(k, model, 20), JSON.stringify([similarity, "near", radius]));
      }
    });

    it("ranks exactly like a naive count over its own scores", () => {
      const k = kernels();
      for (const [B, entities] of [
        [1, 2],
        [3, 47],
        [67, 400],
        [17, 1000],
      ] as const) {
        const model = random({ entities });
        // Repeated entities and rounded biases make ties.
        for (let e = 0; e < entities; e += 3) model.entity.copyWithin(e * 8, 0, 8);
        for (let e = 0; e < entities; e += 3) model.tailBias[e] = Math.round(model.tailBias[e]!);
        const s = setting(k, model, B);
        const scores = scoreAll(k, s);
        const draw = new Random(entities);
        const targets = ints(
          k,
          Array.from({ length: B }, () => draw.uint32() % entities),
        );
        const filters = Array.from(targets, (target, b) => {
          const ids = Array.from({ length: b % 4 === 0 ? 0 : 5 * b }, () => draw.uint32() % entities);
          return [...new Set(ids)].filter((id) => id !== target).sort((x, y) => x - y);
        });
        const offsets = [0];
        for (const filter of filters) offsets.push(offsets.at(-1)! + filter.length);
        const greater = k.engine.int32(B);
        const equal = k.engine.int32(B);
        const call = { targets, filterOffsets: ints(k, offsets), filterIds: ints(k, filters.flat()), greater, equal };
        k.rank(similarity, s.queries, s.points, call);
        targets.forEach((target, b) => {
          const row = scores.subarray(b * entities, (b + 1) * entities);
          expect([greater[b], equal[b]]).toEqual(rank(row, target, new Set(filters[b])));
        });
        if (entities === 400) expect(Math.max(...equal)).toBeGreaterThan(0);
      }
    });

    it("counts every rival as a tie if all scores are equal", () => {
      const k = kernels();
      const model = random({ entities: 53 });
      for (let e = 1; e < 53; e++) model.entity.copyWithin(e * 8, 0, 8);
      model.tailBias.fill(0.5);
      const s = setting(k, model, 2);
      const call = {
        targets: ints(k, [0, 52]),
        filterOffsets: ints(k, [0, 1, 3]),
        filterIds: ints(k, [7, 0, 51]),
        greater: k.engine.int32(2),
        equal: k.engine.int32(2),
      };
      k.rank(similarity, s.queries, s.points, call);
      expect([...call.greater]).toEqual([0, 0]);
      expect([...call.equal]).toEqual([51, 50]);
      const ids = k.engine.int32(10);
      k.topK(similarity, s.queries, s.points, 5, ids, null);
      expect([...ids]).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
    });

    it.each([NaN, Infinity, -Infinity])("refuses to rank if a score is %d, unless it is filtered", (bad) => {
      const k = kernels();
      for (const table of ["entity", "tailBias"] as const) {
        const model = random({ entities: 60 });
        if (table === "entity") model.entity[41 * 8 + 3] = bad;
        else model.tailBias[41] = bad;
        const s = setting(k, model, 1);
        if (s.heads[0] === 41) throw new Error("the query itself must be fine");
        const call = (target: number, filter: number[]) => () =>
          k.rank(similarity, s.queries, s.points, {
            targets: ints(k, [target]),
            filterOffsets: ints(k, [0, filter.length]),
            filterIds: ints(k, filter),
            greater: k.engine.int32(1),
            equal: k.engine.int32(1),
          });
        const notFinite = expect.objectContaining({ name: "MuldeError", code: "SCORE_NOT_FINITE" }) as MuldeError;
        expect(call(3, [])).toThrow(notFinite);
        expect(call(41, [])).toThrow(notFinite);
        expect(call(3, [41])).not.toThrow();
      }
    });

    it.each([
      [1, 1, 1],
      [3, 47, 47],
      [5, 400, 10],
      [66, 300, 299],
      [2, 6000, 500],
      [2, 6000, 1],
    ])("topK is the head of the sorted scores for B = %i, N = %i, k = %i", (B, entities, count) => {
      const k = kernels();
      const model = random({ entities });
      for (let e = 0; e < entities; e += 5) model.entity.copyWithin(e * 8, 0, 8);
      for (let e = 0; e < entities; e += 5) model.tailBias[e] = 1;
      const s = setting(k, model, B);
      const scores = scoreAll(k, s);
      const ids = k.engine.int32(B * count);
      const best = k.engine.float32(B * count);
      k.topK(similarity, s.queries, s.points, count, ids, best);
      const loose = k.engine.int32(B * count);
      k.topK(similarity, s.queries, s.points, count, loose, null, false);
      for (let b = 0; b < B; b++) {
        const row = scores.subarray(b * entities, (b + 1) * entities);
        const expected = topK(row, count);
        expect([...ids.subarray(b * count, (b + 1) * count)]).toEqual(expected);
        expect([...best.subarray(b * count, (b + 1) * count)]).toEqual(expected.map((e) => row[e]));
        expect([...loose.subarray(b * count, (b + 1) * count)].sort((x, y) => x - y)).toEqual(
          expected.sort((x, y) => x - y),
        );
      }
    });

    it.each([192, 384])(
      "topK is not misled where the first half or quarter of every %i entities are the best",
      (period) => {
        const k = kernels();
        const [B, entities, count] = [3, 6000, 500];
        const model = random({ entities });
        for (let e = 0; e < entities; e++) model.tailBias[e] = e % period < 96 ? 50 : 0;
        const s = setting(k, model, B);
        const scores = scoreAll(k, s);
        const ids = k.engine.int32(B * count);
        k.topK(similarity, s.queries, s.points, count, ids, null);
        for (let b = 0; b < B; b++) {
          const row = scores.subarray(b * entities, (b + 1) * entities);
          expect([...ids.subarray(b * count, (b + 1) * count)]).toEqual(topK(row, count));
        }
      },
    );
  });

  it.each([0, 61, 2.5, NaN])("topK refuses k = %d of 60 entities", (count) => {
    const k = kernels();
    const s = setting(k, randomModel({ ...base, dim: 8, entities: 60, encoder: "TransE", similarity: "dot" }), 1);
    expect(() => k.topK("dot", s.queries, s.points, count, k.engine.int32(100), null)).toThrow(
      expect.objectContaining({ code: "KERNELS_BAD_SHAPE" }) as MuldeError,
    );
  });

  it("topK takes many queries with a large k in parts, and keeps no more memory than 32 MiB", () => {
    const { engine } = kernels();
    const noting = counting(engine);
    const { live } = noting;
    const k = new Kernels(noting.engine);
    const [B, entities, count, stride] = [200, 9000, 8000, 8003];
    const model = randomModel({ ...base, dim: 8, entities, encoder: "TransE", similarity: "euclidean" });
    const s = setting(k, model, B);
    const scores = scoreAll(k, s);
    const [ids, best] = [engine.int32(B * stride), engine.float32(B * stride)];
    live.clear();
    k.topK("euclidean", s.queries, s.points, count, ids, best, true, stride);
    const bytes = [...live].reduce((sum, { byteLength }) => sum + byteLength, 0);
    expect(bytes).toBeLessThanOrEqual(32 << 20);
    for (const b of [0, 63, 64, 127, 128, 199]) {
      const row = scores.subarray(b * entities, (b + 1) * entities);
      const expected = topK(row, count);
      expect([...ids.subarray(b * stride, b * stride + count)]).toEqual(expected);
      expect([...best.subarray(b * stride, b * stride + count)]).toEqual(expected.map((e) => row[e]));
    }
    k.dispose();
    expect(live.size).toBe(0);
    engine.free(ids, best);
  });

  it("takes arrays of other origin", () => {
    const k = kernels();
    const model = randomModel({ ...base, dim: 8, entities: 60, encoder: "RotH", similarity: "hyperbolic" });
    const s = setting(k, model, 3);
    const foreign = (x: Float32Array) => Float32Array.from(x);
    const points = {
      ...s.points,
      points: foreign(s.points.points),
      packed: foreign(s.points.packed!),
      bias: foreign(s.points.bias),
    };
    const queries = { ...s.queries, q: foreign(s.queries.q) };
    const scores = new Float32Array(180);
    k.scoreAll("hyperbolic", queries, points, scores);
    expect(scores).toEqual(new Float32Array(scoreAll(k, s)));
    expect(copy(k, scores)).toEqual(scoreAll(k, s));
  });
});
