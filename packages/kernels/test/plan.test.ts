import fc from "fast-check";
import { expect, it } from "vitest";
import { freeAll, pairTerms, plan as newPlan, pointTable, queryBatch } from "../src/index.js";
import { onEveryEngine } from "./_engines.js";

onEveryEngine((kernels) => {
  it("lists the distinct rows, ascending, with all their positions", () => {
    // The plan counts if there are few entities for the positions, and uses a radix sort otherwise.
    const sizes = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1_000, max: 5_000_000 }));
    const cases = sizes.chain((entities) =>
      fc.record({
        entities: fc.constant(entities),
        pairs: fc.array(fc.integer({ min: 0, max: entities - 1 }), { maxLength: 400 }),
        heads: fc.array(fc.integer({ min: 0, max: entities - 1 }), { minLength: 1, maxLength: 40 }),
      }),
    );
    fc.assert(
      fc.property(cases, ({ entities, pairs, heads }) => {
        const k = kernels();
        const plan = newPlan(k.engine, pairs.length, heads.length);
        const size = k.plan(Int32Array.from(pairs), Int32Array.from(heads), entities, plan);
        const rows = [...new Set([...pairs, ...heads])].sort((x, y) => x - y);
        expect([...plan.rows.subarray(0, size)]).toEqual(rows);
        expect(plan.offsets[size]).toBe(pairs.length);
        rows.forEach((row, i) => {
          const entries = [...plan.entries.subarray(plan.offsets[i], plan.offsets[i + 1])];
          expect(entries).toEqual(pairs.flatMap((id, at) => (id === row ? [at] : [])));
        });
        heads.forEach((id, at) => expect(plan.rows[plan.local[at]!]).toBe(id));
        freeAll(k.engine, plan);
      }),
      { numRuns: 60, seed: 4 },
    );
  });

  it("scores more than a million queries with a candidate each", () => {
    const k = kernels();
    const { engine } = k;
    const [B, N] = [2 ** 20 + 3, 7];
    const queries = queryBatch(engine, B, 1);
    const points = pointTable(engine, N, 1, false);
    for (let b = 0; b < B; b++) queries.q[16 * b] = b % 1000;
    const rows = engine.float32(N).map((_, i) => i + 1);
    k.points("dot", rows, null, 1, null, points);
    const plan = newPlan(engine, B, 0);
    const ids = engine.int32(B);
    for (let b = 0; b < B; b++) ids[b] = b % N;
    plan.size = k.plan(ids, new Int32Array(), N, plan);
    const [pairs, scores] = [pairTerms(engine, "dot", B), engine.float32(B)];
    k.plannedCandidates("dot", queries, points, plan, 1, pairs, scores);
    const wrong = scores.findIndex((score, b) => score !== (b % 1000) * ((b % N) + 1));
    expect(wrong).toBe(-1);
    for (const owner of [queries, points, plan]) freeAll(engine, owner);
    engine.free(ids, scores, pairs.terms);
  });
});
